/**
 * The verbs of `outrigger`: the one table from which the program, its help, its shell completion and the check of the docs are made.
 *
 * I1: a verb's module is loaded only when it is wanted, so that nobody carries what he does not use.
 */

import type { Command } from 'commander';

interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly group: 'Start here:' | 'Look and change:' | 'Parts (started by up, systemd or a host):';
  readonly register: (program: Command) => Promise<void>;
}

export const VERBS: readonly Verb[] = [
  {
    name: 'up',
    summary: 'Start a whole control plane with a sample cluster on this machine',
    group: 'Start here:',
    register: async (program) => (await import('./up.ts')).registerUp(program),
  },
  {
    name: 'down',
    summary: 'Stop everything that outrigger up started, or left behind when it was killed',
    group: 'Start here:',
    register: async (program) => (await import('./up.ts')).registerDown(program),
  },
  {
    name: 'cluster',
    summary: 'Order, change, look at and delete clusters',
    group: 'Look and change:',
    register: async (program) => (await import('./cluster.ts')).registerCluster(program),
  },
  {
    name: 'status',
    summary: 'Show the whole in one screen, or what would happen if something died now',
    group: 'Look and change:',
    register: async (program) => (await import('./status.ts')).registerStatus(program),
  },
  {
    name: 'drill',
    summary: 'Kill something for real, and measure what becomes of it',
    group: 'Look and change:',
    register: async (program) => (await import('./drill.ts')).registerDrill(program),
  },
  {
    name: 'doctor',
    summary: 'Ask each part how it is, and say what to do',
    group: 'Look and change:',
    register: async (program) => (await import('./doctor.ts')).registerDoctor(program),
  },
  {
    name: 'license',
    summary: 'Show and sync the universal license of sites',
    group: 'Look and change:',
    register: async (program) => (await import('./license.ts')).registerLicense(program),
  },
  {
    name: 'site',
    summary: 'Show sites, and pair clusters with them',
    group: 'Look and change:',
    register: async (program) => (await import('./site.ts')).registerSite(program),
  },
  {
    name: 'kubectl',
    summary: 'Run kubectl against this control plane, also where none is installed',
    group: 'Look and change:',
    register: async (program) => (await import('./kubectl.ts')).registerKubectl(program),
  },
  {
    name: 'node',
    summary: 'Look after single nodes: take back, discard, revoke their certificates',
    group: 'Look and change:',
    register: async (program) => (await import('./node.ts')).registerNode(program),
  },
  {
    name: 'install',
    summary: 'Run a part as a service of this machine, under systemd',
    group: 'Look and change:',
    register: async (program) => (await import('./install.ts')).registerInstall(program),
  },
  {
    name: 'token',
    summary: 'Make tokens by which hosts and nodes join',
    group: 'Look and change:',
    register: async (program) => (await import('./token.ts')).registerToken(program),
  },
  {
    name: 'console',
    summary: 'Make a one-time link to the console',
    group: 'Look and change:',
    register: async (program) => (await import('./console.ts')).registerConsole(program),
  },
  {
    name: 'portal',
    summary: "Make a password for a cluster's portal, on its machine",
    group: 'Look and change:',
    register: async (program) => (await import('./portal.ts')).registerPortal(program),
  },
  {
    name: 'director',
    summary: 'Run a director: the API over PostgreSQL',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./director.ts')).registerDirector(program),
  },
  {
    name: 'host',
    summary: 'Run the host daemon: claims nodes and keeps them running',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./host.ts')).registerHost(program),
  },
  {
    name: 'agent',
    summary: 'Run the agent of a node (started by its host), or let this machine join as one',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./node-commands.ts')).registerAgent(program),
  },
  {
    name: 'balancer',
    summary: "Run a node's balancer (started by its agent)",
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./node-commands.ts')).registerBalancer(program),
  },
  {
    name: 'service',
    summary: "Run one of Outrigger's own services of a node (started by its agent)",
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./node-commands.ts')).registerService(program),
  },
  {
    name: 'extension',
    summary: 'Run an extension server: creates, repairs and deletes clusters',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./extension.ts')).registerExtension(program),
  },
  {
    name: 'connection-server',
    summary: 'Run a connection server: sessions in front of a TCP service',
    group: 'Parts (started by up, systemd or a host):',
    register: async (program) => (await import('./connection-server.ts')).registerConnectionServer(program),
  },
  {
    name: 'completion',
    summary: 'Print what makes the shell complete verbs and options',
    group: 'Look and change:',
    register: async (program) => (await import('./completion.ts')).registerCompletion(program, wholeProgram),
  },
  {
    name: 'version',
    summary: 'Print the version of this program',
    group: 'Look and change:',
    register: async (program) => (await import('./version.ts')).registerVersion(program),
  },
];

/** Every verb with its options, for what describes the program. */
export async function wholeProgram(): Promise<Command> {
  const { createProgram } = await import('./command.ts');
  const program = createProgram();
  for (const { register } of VERBS) await register(program);
  return program;
}
