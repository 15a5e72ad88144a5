# What several rules ask for. Rules name nothing from outside themselves in their shell lines, so that they run as well
# in the workflow of a stranger, as a module. How the command line is called is no reason to run a job again: Snakemake
# takes no notice of parameters that are made from the input of a job.


def crnsim(wildcards, input):
    """Return the command line ``crnsim``."""
    return SWEEP.command


def sweep_source(wildcards, input):
    """Return the sweep file, and values given beside it, as words of ``crnsim plan``."""
    return SWEEP.source


def sweep_given(wildcards, input):
    """Return the same as options of the commands that read a plan."""
    return SWEEP.permission


def all_cores(wildcards, resources):
    """Return the cores of the whole sweep, for the time that is left."""
    return workflow.resource_settings.cores


def looked_at(sweep):
    """Return the plan of a sweep, once the looks are there that say which of its chunks are wanted; most have none."""
    plan, look = checkpoints.plan.get(sweep=sweep).output[0], 1
    while look <= looks_needed(plan):
        checkpoints.look.get(sweep=sweep, look=look)
        look += 1
    return plan
