/**
 * Carries an installation out, or takes it away again, and tells what became of it.
 *
 * I1: done twice it changes nothing the second time, and restarts nothing.
 * I2: what a part keeps on disk is never removed here.
 */

import { Fault } from '../../model/fault.ts';
import type { ExitCode } from '../../model/fault.ts';
import { SERVICE_CONFIG, SERVICE_ROLE_FACTS, UNIT_FOLDER, servicePlaces } from '../../model/service-role.ts';
import type { ServiceRole } from '../../model/service-role.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Files } from '../../ports/files.ts';
import type { MachineServices } from '../../ports/machine-services.ts';
import type { InstallPlan, PlannedFile } from './plan.ts';

export interface ApplyDeps {
  readonly machine: MachineServices;
  readonly files: Pick<Files, 'exists' | 'remove'>;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** A command that joins, and what it is told by its environment; for an agent that has to join. */
export interface JoinCall {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ApplyOptions {
  /** False: files alone, for an image of a machine. */
  readonly start: boolean;
  readonly join?: JoinCall;
}

/** So long it is watched whether the part comes up; it goes on trying afterwards. */
const WATCH_MS = 60_000;
const LOOK_MS = 250;

/** What would be written, for a person to read. */
export function describePlan({ user, folders, files }: InstallPlan): string {
  const owner = (file: PlannedFile): string => `${file.owner.user}:${file.owner.group} ${file.mode.toString(8).padStart(4, '0')}`;
  const parts = files.map((file) => `# ${file.path} (${owner(file)})\n${file.isSecret ? '(a secret, not shown)\n' : hidden(file.text)}`);
  return `# user ${user}; folders ${folders.map(({ path }) => path).join(', ')}\n\n${parts.join('\n')}`;
}

/** A password in a database's URL is nobody's business. */
function hidden(text: string): string {
  return text.replace(/(:\/\/[^:@/\s]+:)[^@\s]+@/g, '$1…@');
}

/** Throws `Fault` UsageWrong when this machine cannot have services. */
export function requireServices(machine: MachineServices, start: boolean): void {
  if (!machine.isRoot())
    throw new Fault('UsageWrong', 'Services are installed by root: run it again with sudo, or look first with --dry-run.');
  const trouble = start ? machine.trouble() : undefined;
  if (trouble !== undefined)
    throw new Fault('UsageWrong', `${trouble} To write the files alone, as for the image of a machine, give --no-start.`);
}

export async function applyPlan(deps: ApplyDeps, plan: InstallPlan, options: ApplyOptions, signal: AbortSignal): Promise<ExitCode> {
  const { machine, say } = deps;
  requireServices(machine, options.start);
  const { state } = servicePlaces(plan.role);
  if (machine.ensureUser(plan.user, state)) say(`made the user ${plan.user}`);
  for (const { path, mode, owner } of plan.folders) machine.ensureFolder(path, mode, owner);
  const changed = plan.files.filter((file) => machine.writeFile(file.path, file.text, file.mode, file.owner));
  for (const { path } of changed) say(`wrote ${path}`);
  if (options.join !== undefined) {
    const code = await machine.runAs(plan.user, options.join.command, options.join.environment);
    if (code !== 0) {
      say(`This machine did not join; the service is written and not started. Run the same command again with a token that holds.`);
      return code === 3 || code === 4 ? code : 1;
    }
  }
  if (!options.start) {
    say(`${plan.unit} is written, and starts with this machine once it is enabled: systemctl enable --now ${plan.unit}`);
    return 0;
  }
  machine.control(['daemon-reload']);
  machine.control(['enable', '--quiet', plan.unit]);
  if (changed.length === 0 && machine.stateOf(plan.unit).active === 'active') {
    say(`${plan.unit} runs already, as asked; nothing was changed.`);
    return 0;
  }
  machine.control(['restart', '--no-block', plan.unit]);
  return await watch(deps, plan.unit, signal);
}

/** Until it runs, or is seen to fail. */
async function watch({ machine, clock, say }: ApplyDeps, unit: string, signal: AbortSignal): Promise<ExitCode> {
  const untilMs = clock.monotonicMs() + WATCH_MS;
  let shown = '';
  while (clock.monotonicMs() < untilMs) {
    const { active, sub, status } = machine.stateOf(unit);
    if (active === 'active') {
      say(`${unit} runs, and starts with this machine.`);
      return 0;
    }
    if (sub === 'auto-restart' || active === 'failed') {
      say(`${unit} does not come up${status === '' ? '' : `: ${status}`}`);
      say(
        `It is tried again every second. Look with: journalctl -u ${unit}; give mended settings to outrigger install, or edit them in ${SERVICE_CONFIG}.`,
      );
      return 1;
    }
    if (status !== shown && status !== '') say(`${unit}: ${status}`);
    shown = status;
    await clock.sleep(LOOK_MS, signal);
  }
  say(`${unit} is still starting; it goes on by itself. Look with: systemctl status ${unit}`);
  return 5;
}

/** Stops it and takes away what was installed; what it kept on disk stays. */
export function uninstall({ machine, files, say }: ApplyDeps, role: ServiceRole): ExitCode {
  const { unit, state, environment } = servicePlaces(role);
  requireServices(machine, false);
  const unitFile = `${UNIT_FOLDER}/${unit}`;
  const own = [unitFile, environment, `${SERVICE_CONFIG}/${role}.kubeconfig`].filter((path) => files.exists(path));
  if (own.length === 0) {
    say(`${unit} is not installed; nothing was changed.`);
    return 0;
  }
  const isBooted = machine.trouble() === undefined;
  if (isBooted && own.includes(unitFile)) machine.control(['disable', '--now', '--quiet', unit]);
  for (const path of own) {
    files.remove(path);
    say(`removed ${path}`);
  }
  if (isBooted) machine.control(['daemon-reload']);
  if (SERVICE_ROLE_FACTS[role].hasState) say(`What it kept is still in ${state}; remove it by hand when nobody needs it.`);
  if (role === 'host') say('Nodes that it started go on. Drain the host before, or delete their clusters, to have them end.');
  if (role === 'agent') say(`Pods and balancer of its node go on. To end them: outrigger agent --dir ${state}/node --stop`);
  return 0;
}
