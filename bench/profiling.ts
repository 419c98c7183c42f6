/**
 * CPU profiles of what a bench starts: with OUTRIGGER_BENCH_PROFILE=<folder> each process leaves one there when it ends, by its name.
 */

const FOLDER = process.env['OUTRIGGER_BENCH_PROFILE'];
// Not for what is started: the program refuses variables that are no settings of it.
delete process.env['OUTRIGGER_BENCH_PROFILE'];

/** What Node is told besides, for the process of that name. */
export function profiling(name: string): string[] {
  return FOLDER === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${FOLDER}`, `--cpu-prof-name=${name}.cpuprofile`];
}
