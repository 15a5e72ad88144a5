# How your scheduler is told to start, list and cancel jobs: edit this file, and no other of this folder.
# README.md has the commands of other schedulers. These are Slurm's.

# Submit the script $JOB and print its number, nothing else. Known here: NAME, THREADS, MEM_MB (of the whole job),
# MINUTES and LOG (a file for what the job prints). The environment must reach the job.
submit() {
    sbatch --parsable --export ALL --requeue --job-name "$NAME" --cpus-per-task "$THREADS" \
        --mem "${MEM_MB}M" --time "$MINUTES" --output "$LOG" "$JOB"
}

# Print the numbers of your jobs that wait or run, one a line. Fail where the scheduler does not answer.
alive() {
    squeue --noheader --user "$(id -un)" --format %A
}

# Cancel the jobs of these numbers.
cancel() {
    scancel "$@"
}
