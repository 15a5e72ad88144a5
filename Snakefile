# Entry point: `snakemake --cores 2` runs the default sweep, `--configfile FILE` another one.
include: "workflow/Snakefile"


# What is made unless something else is asked for; an included file cannot say so itself.
rule default:
    input:
        rules.all.input,
    localrule: True
