/**
 * The floors: who may import whom. tools/check/floors.ts reads this, adds "one door per package" and fails when it read too few modules.
 *
 * base <- model <- decide <- ports <- (director, extension, host, agent, services, client, cli) <- main. `platform` carries out what
 * ports promise and is known only to main. sim imports everything but platform and main.
 */
const PARTS = ['director', 'extension', 'host', 'agent', 'services', 'client', 'cli'];

/** A floor may import itself and the floors named, and nothing else below src. */
const floor = (name, allowed, why) => ({
  name: `floor-${name}`,
  comment: why,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: `^src/(${[name, ...allowed].join('|')})/` },
});

const ABOVE_PORTS = ['client', 'base', 'model', 'decide', 'ports'];

module.exports = {
  forbidden: [
    floor('base', [], 'base imports nothing of ours'),
    floor('model', ['base'], 'model knows base only'),
    floor('decide', ['base', 'model'], 'thinking knows base and model only'),
    floor('ports', ['base', 'model', 'decide'], 'ports are types over base, model and decide'),
    ...PARTS.map((part) => floor(part, ABOVE_PORTS, 'the parts never import each other, nor platform, nor main')),
    floor('platform', ['base', 'model', 'decide', 'ports'], 'platform carries out ports and knows nothing above them'),
    {
      name: 'src-stands-alone',
      comment: 'what is published does not reach into tests, tools, bench, sim, examples or console',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(sim|tests|tools|bench|examples|console|bin)/' },
    },
    {
      name: 'sim-without-world',
      comment: 'the simulator drives everything but platform and main',
      severity: 'error',
      from: { path: '^sim/' },
      to: { path: '^src/(platform|main)/' },
    },
    {
      name: 'examples-stand-alone',
      comment: 'an example service is what a customer would write: it uses nothing of ours',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(src|sim|tests|tools|bench)/' },
    },
    {
      name: 'console-in-a-browser',
      comment: 'the console shares what is pure (base, model, decide), and has nothing else of ours',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(src|sim|tests|tools|bench|examples|bin)/', pathNot: '^src/(base|model|decide)/' },
    },
    {
      name: 'console-without-node',
      comment: 'a browser has no Node; the configuration of the build has',
      severity: 'error',
      from: { path: '^console/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main-is-the-roof',
      comment: 'main composes; nobody below src imports it',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/main/' },
      to: { path: '^src/main/' },
    },
    {
      name: 'pure-without-packages',
      comment: 'base, model and decide are free of packages and of Node (types may be imported)',
      severity: 'error',
      from: { path: '^src/(base|model|decide|ports)/' },
      to: {
        dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'one-door-to-node',
      comment: 'only platform opens Node built-ins; director may hash (node:crypto) and handle bytes (node:buffer)',
      severity: 'error',
      from: { path: '^src/(director|extension|host|agent|services|client|cli|main)/' },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'hashing-door',
      comment: 'node:crypto and node:buffer are for platform, and for director where speed asks for it',
      severity: 'error',
      from: { path: '^src/(extension|host|agent|services|client|cli|main)/' },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only'], path: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'no-development-packages',
      comment: 'src must run with what is published',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '@types/' },
    },
    {
      name: 'declared-packages-only',
      comment: 'a package that package.json does not name may be gone after the next install',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-circle', comment: 'a circle has no first step to read', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', comment: 'imports something that does not exist', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphan',
      comment: 'nobody imports it and it imports nobody',
      severity: 'error',
      from: { orphan: true, path: '^(src|sim)/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build|console/dist)/|\\.(css|svg)$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
    combinedDependencies: false,
    moduleSystems: ['es6', 'cjs'],
  },
};
