/**
 * Processes that outlive their starter by design must not outlive a test that is killed: a small shell waits for the test's end and ends them then.
 */
import { spawn } from 'node:child_process';

/** When this process is gone, everything with `data` as its OUTRIGGER_DATA is killed and the folder removed: by few processes, so soon after. */
export function endWithUs(data: string): void {
  const script = `
trap '' INT TERM HUP
while kill -0 "$1" 2>/dev/null; do sleep 0.3; done
for round in 1 2 3; do
  for p in $(grep -lzsxF "OUTRIGGER_DATA=$2" /proc/[0-9]*/environ); do p=\${p#/proc/}; kill -9 "\${p%/environ}" 2>/dev/null; done
  sleep 0.2
done
rm -rf -- "$2"`;
  spawn('sh', ['-c', script, 'guard', String(process.pid), data], { detached: true, stdio: 'ignore', cwd: '/' }).unref();
}
