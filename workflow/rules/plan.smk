# Lay out the sweep: which chunks there are is known only then, so the others wait for it.
checkpoint plan:
    input:
        SWEEP.files,
    output:
        "results/{sweep}/plan.json",
    log:
        "results/{sweep}/logs/plan.log",
    localrule: True
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        source=sweep_source,
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{params.crnsim} plan {params.source} -o {output:q} --log {log:q}"


# Build the network of one data set, circuit and activation, and compile it before workers ask for it.
rule build:
    input:
        plan=ancient("results/{sweep}/plan.json"),
    output:
        network="results/{sweep}/networks/{dataset}-{variant}.nc",
        reactions="results/{sweep}/networks/{dataset}-{variant}.crn",
    log:
        "results/{sweep}/logs/build/{dataset}-{variant}.log",
    benchmark:
        "results/{sweep}/benchmarks/build/{dataset}-{variant}.tsv"
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
        sweep=SWEEP.fingerprint,
        code=SWEEP.code,
    shell:
        "{params.crnsim} build {input.plan:q} {params.given} {wildcards.dataset}-{wildcards.variant} -o {output.network:q} --log {log:q}"
