/**
 * The systemd unit of a part, as text: supervised by its own word (Type=notify, a watchdog), started again whatever happens, and shut in.
 *
 * I1: it is started again every time, for ever: no limit of starts, whatever the exit code, so that settings that were mended take hold by themselves.
 * I2: the disk is read-only to it but for its own state folder.
 * I3: of a part that is outlived only the main process is ended, and nothing that its survivors stand on (their /tmp, their shared memory) is taken away with it.
 * I4: it lists what is closed to the part beyond the defaults, and nothing that would keep Node from working (a JIT writes memory that it runs).
 */

import { RESTART_SECONDS, SERVICE_ROLE_FACTS, WATCHDOG_SECONDS, servicePlaces } from '../../model/service-role.ts';
import type { ServiceRole, ServiceRoleFacts } from '../../model/service-role.ts';

/** `command`: Node, the program and the part's arguments, each an absolute path or a plain word. */
export function unitText(role: ServiceRole, command: readonly string[]): string {
  const facts = SERVICE_ROLE_FACTS[role];
  const sections = [
    ['# Written by "outrigger install"; what you change here is replaced by the next one. Put changes into a drop-in (systemctl edit).'],
    ['[Unit]', `Description=${facts.description}`, 'Wants=network-online.target', 'After=network-online.target', 'StartLimitIntervalSec=0'],
    ['[Service]', ...running(role, facts, command), '', ...shutIn(facts)],
    ['[Install]', 'WantedBy=multi-user.target'],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function running(role: ServiceRole, facts: ServiceRoleFacts, command: readonly string[]): string[] {
  const { user, state, environment } = servicePlaces(role);
  return [
    'Type=notify',
    // systemd-notify is a child of the main process.
    'NotifyAccess=all',
    `ExecStart=${command.map(escaped).join(' ')}`,
    `Environment=OUTRIGGER_DATA=${state} OUTRIGGER_ROLE=${role}`,
    // What Node compiled once need not be compiled at each start.
    ...(facts.hasState ? [`Environment=NODE_COMPILE_CACHE=${state}/cache`] : []),
    `EnvironmentFile=${environment}`,
    `User=${user}`,
    `Group=${user}`,
    'UMask=0077',
    ...(facts.hasState ? [`StateDirectory=outrigger/${role}`, 'StateDirectoryMode=0700', `WorkingDirectory=${state}`] : []),
    'Restart=always',
    `RestartSec=${RESTART_SECONDS}s`,
    `TimeoutStartSec=${facts.startSeconds}s`,
    `TimeoutStopSec=${facts.stopSeconds}s`,
    `WatchdogSec=${WATCHDOG_SECONDS}s`,
    // It is built to be killed at any moment, and its memory holds keys that belong in no core file.
    'WatchdogSignal=SIGKILL',
    'LimitCORE=0',
    `LimitNOFILE=${facts.openFiles}`,
    ...(facts.isOutlived ? ['KillMode=process', 'OOMPolicy=continue'] : ['KillMode=mixed']),
  ];
}

function shutIn({ isOutlived, bindsLowPorts }: ServiceRoleFacts): string[] {
  const capabilities = bindsLowPorts ? 'CAP_NET_BIND_SERVICE' : '';
  return [
    'NoNewPrivileges=yes',
    `CapabilityBoundingSet=${capabilities}`,
    `AmbientCapabilities=${capabilities}`,
    'ProtectSystem=strict',
    'ProtectHome=yes',
    // PrivateTmp is emptied when the part ends; a memory disk lives as long as a process that sees it.
    isOutlived ? 'TemporaryFileSystem=/tmp:mode=1777 /var/tmp:mode=1777' : 'PrivateTmp=yes',
    ...(isOutlived ? [] : ['RemoveIPC=yes']),
    'PrivateDevices=yes',
    'PrivateMounts=yes',
    'ProtectProc=invisible',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelLogs=yes',
    'ProtectControlGroups=yes',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    // HAProxy and services of customers set limits and priorities of their own.
    `SystemCallFilter=~@privileged${isOutlived ? '' : ' @resources'}`,
    'SystemCallErrorNumber=EPERM',
  ];
}

/** As systemd reads a word of a command line: `%` and `$` mean something to it, blanks end a word. */
function escaped(word: string): string {
  const plain = word.replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll('$', '$$$$').replaceAll('"', '\\"');
  return /[\s"';]/.test(plain) ? `"${plain}"` : plain;
}
