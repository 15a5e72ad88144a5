# Compute the metrics of the whole sweep, with intervals and paired comparisons.
rule robustness:
    input:
        plan=ancient("results/{sweep}/plan.json"),
        summaries=lambda wildcards: summary_files(checkpoints.plan.get(sweep=wildcards.sweep).output[0]),
    output:
        metrics="results/{sweep}/robustness.nc",
        tables=report(
            "results/{sweep}/robustness.csv", caption="../report/robustness.rst", category="Robustness"
        ),
    log:
        "results/{sweep}/logs/robustness.log",
    benchmark:
        "results/{sweep}/benchmarks/robustness.tsv"
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{params.crnsim} robustness {input.plan:q} {params.given} -o {output.metrics:q} --csv {output.tables:q} --log {log:q}"


# Write the page.
rule report:
    input:
        plan=ancient("results/{sweep}/plan.json"),
        metrics="results/{sweep}/robustness.nc",
        summaries=lambda wildcards: summary_files(checkpoints.plan.get(sweep=wildcards.sweep).output[0]),
        networks=lambda wildcards: network_files(checkpoints.plan.get(sweep=wildcards.sweep).output[0]),
    output:
        report("reports/{sweep}.html", caption="../report/page.rst", category="Report"),
    log:
        "results/{sweep}/logs/report.log",
    benchmark:
        "results/{sweep}/benchmarks/report.tsv"
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
        sweep=SWEEP.fingerprint,
        package=SWEEP.package,
    shell:
        "{params.crnsim} report {input.plan:q} {params.given} -o {output:q} --log {log:q}"


# Write the page from whatever chunks there are: snakemake --cores 1 report_partial
# It declares no product, so that it is made anew each time.
rule report_partial:
    input:
        plan=ancient(f"results/{SWEEP.name}/plan.json"),
    log:
        f"results/{SWEEP.name}/logs/report_partial.log",
    conda:
        "../envs/crnsim.yaml"
    params:
        crnsim=crnsim,
        given=sweep_given,
    shell:
        "{params.crnsim} report {input.plan:q} {params.given} --partial --log {log:q}"
