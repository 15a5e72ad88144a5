# Look at a sweep that adds replicates where verdicts are open: which chunks are wanted next is known only then.
# What it sees is read from the files there are: Snakemake takes a checkpoint that waits for another as up to date.
checkpoint look:
    input:
        plan=ancient("results/{sweep}/plan.json"),
        looks=lambda wildcards: ancient(
            looks_before(f"results/{wildcards.sweep}/plan.json", int(wildcards.look))
        ),
        networks=lambda wildcards: look_networks(f"results/{wildcards.sweep}/plan.json"),
        chunks=lambda wildcards: look_inputs(f"results/{wildcards.sweep}/plan.json", int(wildcards.look)),
    output:
        "results/{sweep}/looks/{look}.json",
    log:
        "results/{sweep}/logs/look/{look}.log",
    benchmark:
        "results/{sweep}/benchmarks/look/{look}.tsv"
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{params.crnsim} look {input.plan:q} {params.given} {wildcards.look} -o {output:q} --log {log:q}"
