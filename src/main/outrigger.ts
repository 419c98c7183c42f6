/**
 * `outrigger`: the one program. Finds the verb and loads only what it needs, so that an agent does not carry the director's libraries.
 */

import { runNodeRole } from './node-roles.ts';

// Agents and balancers must stay light: what follows would cost them megabytes.
await runNodeRole(process.argv.slice(2));
(await import('../platform/light-kubernetes.ts')).leaveOutKubernetesModels();
const [first, second] = process.argv.slice(2);
if (first === 'kubectl') await (await import('./kubectl.ts')).becomeKubectl(process.argv.slice(3));
const { createProgram, runProgram } = await import('./command.ts');
const { VERBS } = await import('./verbs.ts');

const wanted = VERBS.find((verb) => verb.name === (first === 'help' ? second : first));
const program = createProgram();
if (wanted === undefined) {
  for (const verb of VERBS) program.command(verb.name).summary(verb.summary).helpGroup(verb.group).allowUnknownOption();
} else {
  await wanted.register(program);
}
await runProgram(program, process.argv);
