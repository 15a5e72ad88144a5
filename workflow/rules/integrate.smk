# Compute one chunk of points. What determines it is its key and the library, so a newer plan alone reruns nothing.
rule integrate:
    input:
        plan=ancient("results/{sweep}/plan.json"),
        network=ancient("results/{sweep}/networks/{dataset}-{variant}.nc"),
        looks=lambda wildcards: ancient(looks_of_chunk(f"results/{wildcards.sweep}/plan.json", wildcards.key)),
    output:
        "results/{sweep}/chunks/{dataset}/{variant}/{key}.nc",
    log:
        "results/{sweep}/logs/integrate/{dataset}/{variant}/{key}.log",
    benchmark:
        "results/{sweep}/benchmarks/integrate/{dataset}/{variant}/{key}.tsv"
    conda:
        "../envs/crnsim.yaml"
    threads: SWEEP.workers
    resources:
        mem_mb=lambda wildcards, input, attempt: job_resources(input.plan, wildcards.key, attempt)["mem_mb"],
        runtime=lambda wildcards, input, attempt: job_resources(input.plan, wildcards.key, attempt)["runtime"],
    params:
        crnsim=crnsim,
        given=sweep_given,
        cores=all_cores,
        key="{key}",
        code=SWEEP.code,
    shell:
        "{params.crnsim} integrate {input.plan:q} {params.given} {params.key} -o {output:q}"
        " --workers {threads} --cores {params.cores} --log {log:q}"


# Join the chunks of one data set, circuit and activation, and check that none is missing. A summary holds the whole
# configuration, so a newer plan makes it again. It does not read the network, which is made again with every change of
# the sweep file: while that is under way, Snakemake looks at no other reason to run what only chunks lead to.
rule merge:
    input:
        plan="results/{sweep}/plan.json",
        network="results/{sweep}/networks/{dataset}-{variant}.nc",
        chunks=lambda wildcards: chunk_files(looked_at(wildcards.sweep), wildcards.dataset, wildcards.variant),
    output:
        "results/{sweep}/summary/{dataset}-{variant}.nc",
    log:
        "results/{sweep}/logs/merge/{dataset}-{variant}.log",
    benchmark:
        "results/{sweep}/benchmarks/merge/{dataset}-{variant}.tsv"
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{params.crnsim} merge {input.plan:q} {params.given} {wildcards.dataset}-{wildcards.variant} -o {output:q} --log {log:q}"
