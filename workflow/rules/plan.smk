# Lay out the sweep: which chunks there are is known only then, so the others wait for it.
checkpoint plan:
    input:
        SWEEP.file,
    output:
        "results/{sweep}/plan.json",
    log:
        "results/{sweep}/logs/plan.log",
    localrule: True
    params:
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{SWEEP.command} plan {input:q} -o {output:q} --log {log:q}"


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
    params:
        sweep=SWEEP.fingerprint,
        code=SWEEP.code,
    shell:
        "{SWEEP.command} build {input.plan:q} --sweep {SWEEP.file:q} {wildcards.dataset}-{wildcards.variant} -o {output.network:q} --log {log:q}"
