/**
 * Every limit of Outrigger, in one place, with its unit in its name and where it comes from.
 *
 * I1: nothing that can grow is without a bound that stands here.
 */

import { METRIC_LIMITS } from './metric-limits.ts';
import { OUTAGE_LIMITS } from './outage-limits.ts';
import { REPAIR_LIMITS } from './repair-limits.ts';

export const LIMITS = {
  /** Largest request body. kube-apiserver has 3 MiB. */
  requestBodyBytes: 3 * 1024 * 1024,
  /** Largest stored object. etcd's default request limit is 1.5 MiB. */
  objectBytes: 1536 * 1024,
  /** Deepest nesting of a JSON body. */
  jsonDepth: 64,
  /** Problems named in one refusal, and characters of an offending value shown in each. */
  problemsPerObject: 100,
  problemValueChars: 256,
  /** Longest regular expression in a schema or rule. */
  patternChars: 4096,
  /** Longest CEL expression, its syntax nodes, and how deep they nest. */
  celExpressionChars: 8192,
  celSyntaxNodes: 2000,
  celDepth: 48,
  /** Work that all CEL rules of one write may do together: about 5 to 20 ns a step, so at most some 10 ms. */
  celStepsPerWrite: 500_000,
  /** Operations of one JSON patch; kube-apiserver has 10,000. */
  jsonPatchOperations: 10_000,
  /** Revisions are decimal text of at most 2^53. */
  revisionMax: Number.MAX_SAFE_INTEGER,

  /** History that watches can resume from is kept at least this long (kube-apiserver: 5 min; the contract: 10). */
  historyMinMs: 10 * 60 * 1000,
  /** Events live this long, as in Kubernetes. */
  eventTtlMs: 60 * 60 * 1000,

  /** One watcher's unsent events; beyond it the watch ends with 410. */
  watcherQueueEvents: 1000,
  watcherQueueBytes: 8 * 1024 * 1024,
  bookmarkIntervalMs: 60 * 1000,
  /** Renewals of Leases reach watches at most this much later, so that several go in one write; silence is judged in seconds. */
  leaseEventsMs: 50,

  /** One commit of the store. */
  batchWrites: 256,
  batchBytes: 4 * 1024 * 1024,
  /** Writes waiting for a commit, then 429. */
  pendingWrites: 10_000,
  pendingWriteBytes: 64 * 1024 * 1024,
  /** A change that loses its race is decided anew this often, then 409. kube-apiserver tries a patch 5 times. */
  writeTries: 32,
  /** A write waits at most this long for the store. */
  writeDeadlineMs: 10_000,
  /** A fresh read waits at most this long for the counter. */
  freshDeadlineMs: 5_000,
  /** A commit of unknown outcome is looked for this long, then 504. */
  outcomeDeadlineMs: 10_000,

  /** "Not older than revision N" waits at most this long for N. */
  revisionDeadlineMs: 5_000,
  /** The newest events in memory, for watches that resume and for consistent pages; older ones are read from the database. */
  recentEvents: 16_384,
  recentBytes: 32 * 1024 * 1024,
  /** So many of them are read back when a director starts, so that a storm of resuming watches finds them in memory. */
  recentPreload: 2_000,
  /** Most tombstones in one answer. */
  tombstonePage: 1_000,
  /** The counter is looked at this often when nothing else does; NOTIFY is only a hint. */
  storePollMs: 1_000,
  /** Eras that callers' claims may open within the window; a restored store needs one or two. Each ends all watches. */
  eraOpenings: 5,
  eraOpeningsWindowMs: 10 * 60 * 1000,
  /** A database that has not answered for this long makes the director not ready. */
  storeSilenceMs: 5_000,
  /** A statement that writes or reads the counter is given up after this long. */
  statementMs: 4_000,
  /** One that reads much is given up after this long without a row. */
  bulkStatementMs: 30_000,

  /** Connections and requests of one director. */
  connections: 20_000,
  /** All headers of one request together, and how many. kube-apiserver has 1 MiB; kubectl sends under 2 kB. */
  requestHeaderBytes: 32 * 1024,
  requestHeaders: 100,
  /** Bodies that one director reads at a time, all together; beyond it 429. */
  bodiesUnderWayBytes: 128 * 1024 * 1024,
  /** Path and query. */
  requestTargetBytes: 16 * 1024,
  /** A peer has this long for the TLS handshake, for the head of a request, and for the whole of it (against slow senders). */
  handshakeDeadlineMs: 10_000,
  requestHeadDeadlineMs: 20_000,
  requestReceiveDeadlineMs: 60_000,
  /** An idle connection is kept this long; longer than clients keep theirs, so that they close it and not we. */
  connectionIdleMs: 120_000,
  /** Requests under way on one HTTP/2 connection. kube-apiserver has 100 to 250; watches count too. */
  streamsPerConnection: 250,
  /** A peer that takes nothing of an answer for this long is cut off. */
  sendStallMs: 60_000,
  requestDeadlineMs: 60_000,
  watchMaxMs: 60 * 60 * 1000,
  tableRows: 100_000,

  /** A director that is told to stop lets requests under way finish for at most this long. */
  stopGraceMs: 8_000,
  /** The garbage collector looks by itself this often; a deletion makes it look at once, but not more often than the least gap. */
  garbagePeriodMs: 10_000,
  garbageGapMs: 100,
  eventSweepMs: 60_000,

  /** Rows of `status.eventSet` and `status.errorSet`. */
  statusMessages: 20,

  /** Clusters that one VirtualDataCenter may hold; keeps its reservations one small object. */
  clustersPerVirtualDataCenter: 500,

  /** A part's log file is turned over at this size; one predecessor is kept. */
  logFileBytes: 10 * 1024 * 1024,
  /** Log files of a pod: this size, this many. */
  podLogBytes: 10 * 1024 * 1024,
  podLogFiles: 3,
  /** What an exec probe said, kept for people. */
  probeOutputChars: 256,
  /** The dead are restarted within this time at first; then back-off up to the cap. */
  podRestartBaseMs: 500,
  podRestartCapMs: 30_000,
  /** A pod that ran this long starts its back-off anew. */
  podRestartResetMs: 60_000,
  /** A pod that is to be stopped is taken out of every balancer this long before it gets its TERM. */
  podDrainMs: 3_000,
  /** What runs on a node is compared with what was asked for at least this often, also without a hint. */
  podRelistMs: 10_000,
  /** A start or stop of a pod that nobody answered for is looked into after this. */
  podOperationMs: 60_000,

  /** A connection server has this long for one look of pairing (a name, a connection, one answer), and an answer at most so many bytes. */
  pairingLookMs: 5_000,
  pairingAnswerBytes: 64 * 1024,
  /** Pairing is looked at anew after this while it fails (doubling), and at least this often whatever happens. */
  pairingRetryBaseMs: 10_000,
  pairingRecheckMs: 10 * 60 * 1000,
  /** While a check runs, its lines are written at most this often. */
  pairingShowMs: 300,

  /** Certificates: leaves 1 year, CA 10 years, renewal accepted for 400 days. */
  leafLifetimeMs: 365 * 24 * 3600 * 1000,
  caLifetimeMs: 3650 * 24 * 3600 * 1000,
  renewalAcceptedMs: 400 * 24 * 3600 * 1000,
  /** How often a node or host looks whether its certificate is to be renewed, and how soon again when that was refused or nobody answered. */
  renewalLookMs: 3600 * 1000,
  renewalRetryMs: 60 * 1000,
  /** A bootstrap token's life. */
  bootstrapTokenTtlMs: 3600 * 1000,
  /** A one-time link to the console, and a session of it: a working day. */
  consoleLinkTtlMs: 600 * 1000,
  consoleSessionTtlMs: 8 * 3600 * 1000,
  /** A revocation may lie this far in the future: clocks of whoever revokes differ. */
  revocationAheadMs: 60 * 1000,
  /** A machine that joins by hand may have a clock that is off by this; it holds no certificate for not yet valid then, nor one for expired. */
  joinClockOffMs: 5 * 60 * 1000,
  /** New certificates begin this much in the past, for clocks that are behind ours. */
  certificateBackdateMs: 5 * 60 * 1000,
  /** ServiceAccount tokens: kube-apiserver's default is an hour and its least ten minutes; the most is a leaf's year. */
  serviceAccountTokenMs: 3600 * 1000,
  serviceAccountTokenMinMs: 600 * 1000,
  serviceAccountTokenMaxMs: 365 * 24 * 3600 * 1000,
  /** An Authorization header longer than this is not looked at. */
  authorizationBytes: 16 * 1024,
  /** Verified certificates and tokens that a director remembers: one for each connection, and some. */
  verifiedCredentials: 32_768,
  /** Joins and renewals under way at a time (each signs a certificate), then 429. */
  joinsUnderWay: 64,
  /** Refused joins of one address in a minute, then 429 for it; and how many addresses are counted. */
  joinRefusalsPerMinute: 30,
  joinAddressesCounted: 10_000,
  /** Combinations of verb, resource and name that a role may hold and still be compared with its writer's rights. */
  roleCombinations: 10_000,

  /** Whoever asks which extension servers live waits at most so long to see whether each renews its Lease. */
  serversWatchedMs: 20_000,
  /** A deadline by time stamps counts only after the server itself has seen the step at work this long: clocks of servers differ. */
  stepSeenMinMs: 10_000,
  /** A sentence of a cluster that is being created is shown at most so much later; most are out of date before. */
  wordsHeldMs: 1_000,
  /** A manager decides everything anew at least this often, whatever the watches say. */
  resyncMs: 60_000,
  /** A forced deletion gives a host this long to let go by itself before it is skipped. */
  forceDeleteGraceMs: 30_000,
  /** What seems to have no owner is looked at live only after this: caches of two resources lag differently. */
  orphanSeenMs: 10_000,
  /** An agent's and a host's lease, unless the setting leaseRenew says otherwise; jittered by ±10 %. It says itself that it holds for three renewals. */
  nodeLeaseRenewMs: 60_000,
  /** An agent whose lease was seen unchanged for as long as it says is silent; silence is said, and proves nothing. One that says nothing; the least and the most that count. */
  nodeLeaseTtlMs: 180_000,
  nodeLeaseTtlMinMs: 3_000,
  nodeLeaseTtlMaxMs: 30 * 60_000,

  /** Connections of one service that a node's balancer holds at a time. */
  balancedConnections: 10_000,
  /** An instance that does not take a connection within this is not there; then the next is tried, and so on until the client has waited so long. */
  instanceConnectMs: 1_000,
  clientWaitMs: 4_000,
  /** Between two rounds over all instances while a client waits, and between two looks at one that refused a connection. */
  balancerRetryMs: 100,
  instanceRecheckMs: 500,
  /** After one side has ended its half, the other may be silent this long. */
  halfOpenMs: 60_000,
  /** TCP keep-alive on both sides of a balanced connection: how soon a silent peer is asked whether it lives. */
  keepAliveMs: 15_000,
  /** Of a client of an HTTP service: bytes of a head, or of requests that came before their turn, that are kept; how long it may ask for nothing. */
  replayBytes: 64 * 1024,
  httpIdleMs: 5 * 60_000,
  /** A HAProxy that was replaced by one with a new configuration finishes its connections for at most this long. */
  haproxyFinishMs: 24 * 3600 * 1000,
  /** It has this long to start, and to answer a question. */
  haproxyStartMs: 10_000,
  haproxyAnswerMs: 2_000,

  /** What an agent or host waits for: a connection to a director, an answer, and the echo of a ping on a silent connection. */
  connectMs: 5_000,
  callDeadlineMs: 15_000,
  pingEveryMs: 30_000,
  pingEchoMs: 10_000,
  /** Largest answer and longest line of a watch that an agent or host takes. */
  answerBytes: 32 * 1024 * 1024,
  watchLineBytes: 4 * 1024 * 1024,

  /** Running time is stored, and exchanged between the nodes of a cluster, this often. */
  runningTimeStoreMs: 60_000,
  peerExchangeMs: 60_000,
  /** A call to another node of the cluster; what it may send and answer; how soon a peer port that was taken is tried again. */
  peerCallMs: 5_000,
  peerBodyBytes: 256 * 1024,
  peerListenRetryMs: 5_000,
  /** Until a node has joined, it looks this often whether it may serve the others. */
  peerJoinLookMs: 250,
  ...METRIC_LIMITS,
  ...OUTAGE_LIMITS,
  ...REPAIR_LIMITS,
  /** A signed license statement. */
  licenseTokenChars: 16 * 1024,
  /** Syncs of one node in a minute at the director (more where license days are short), then 429; and how many nodes are counted. */
  licenseSyncsPerMinute: 60,
  licenseNodesCounted: 20_000,
  /** From asking for a sync to its answer; shorter than the machine waits (licenseAnswerMs). */
  licenseCallMs: 15_000,
  /** With more persons than this named seats are not exchanged between nodes; each node then counts by itself. */
  seatsExchanged: 10_000,
  /** Events about the license that wait for a director. */
  licenseEventsKept: 32,
  /** Certificates of earlier signing keys that are kept for the record. */
  licenseCertificatesKept: 31,
  /** With `--day`: how often directors say that they count by the shared anchor, and after how long without it counting begins anew. */
  fastDayAliveMs: 60_000,
  fastDayForgottenMs: 15 * 60_000,

  /** Bodies that a connection server takes. */
  connectionServerBodyBytes: 64 * 1024,
  /** Name of a session's user. */
  sessionUserChars: 256,
  /** One frame of a session, and what may wait for a slow reader, each way. */
  sessionFrameBytes: 1024 * 1024,
  sessionUnsentBytes: 256 * 1024,
  /** A client that does not answer a ping within this vanished. */
  sessionPingMs: 30_000,
  /** A session to which nobody connects, or connects again, for this long is ended. */
  sessionReconnectMs: 120_000,
  /** Sessions and the back end are looked after this often. */
  sessionSweepMs: 1_000,
  backendCheckMs: 2_000,
  /** Users that a connection server remembers having seen. */
  sessionUsersSeen: 20_000,
  /** Failed log-ins of one address in a minute, then 429 for it; and how many addresses are counted. */
  logInFailuresPerMinute: 20,
  logInAddressesCounted: 10_000,

  /** Connections to one connection server: from dialing to a judged certificate, how many at a time, and how many are kept when idle. */
  upstreamConnectMs: 2_000,
  upstreamConnections: 64,
  upstreamConnectionsKept: 4,
  /** The front door of a site looks at each connection server this often, and waits this long. */
  serverLookEveryMs: 2_000,
  serverLookMs: 2_000,
  /** Looks that clients cause are this far apart. */
  serverRefreshMs: 500,
  /** It counts seats, and tries to deliver a license again, this often; and takes so much of a list of users. */
  seatCountEveryMs: 10_000,
  seatAnswerBytes: 2 * 1024 * 1024,
  /** Bodies that it takes; how long one server has for a new session, and all of them together. */
  doorBodyBytes: 16 * 1024,
  doorTryMs: 2_500,
  doorDeadlineMs: 8_000,
  /** Requests under way and WebSockets at a time in one instance of it; a WebSocket on which nothing moves for this long is cut. */
  doorRequests: 512,
  doorSockets: 4_096,
  doorSocketIdleMs: 5 * 60_000,
  /** Stopping, it lets answers finish for this long. */
  doorCloseMs: 5_000,

  /** A node's tunnel: the site asks for a sign of life this often, suspects when its echo is this late, and ends it after this much silence. */
  tunnelPingEveryMs: 600,
  tunnelEchoMs: 300,
  /** Of the time between two looks at a tunnel so much counts as silence: who could not listen for longer has not heard that there was nothing. */
  tunnelLookCountsMs: 300,
  tunnelSilenceMs: 4_000,
  /** While something is under way in it: on a slow line echoes wait behind data. */
  tunnelBusySilenceMs: 20_000,
  /** The director ends a tunnel on which it heard nothing for this long; the site is quicker. */
  tunnelUnheardMs: 10_000,
  /** One director has this long to take a connection, and this long in all to greet, then the next; the latter doubles with each round. */
  tunnelConnectMs: 1_000,
  tunnelDialMs: 3_000,
  tunnelDialMaxMs: 12_000,
  /** Between rounds over all directors, doubling up to the cap. */
  tunnelRetryBaseMs: 100,
  tunnelRetryCapMs: 1_000,
  /** A tunnel that was lost sooner counts as one that was refused. */
  tunnelStableMs: 2_000,
  /** That somebody else took this node's place at a director stands in its problems for this long. */
  tunnelContestedMs: 10 * 60_000,
  /** A tunnel to another director than the preferred one is kept about this long before that one is tried; one that was replaced ends after its last request, or this. */
  tunnelReturnMs: 30_000,
  tunnelRetiredMs: 60_000,
  /** Requests under way in one tunnel, bytes of each that wait unread, and requests through all tunnels of one director; beyond it 429. */
  tunnelStreams: 128,
  tunnelWindowBytes: 1024 * 1024,
  proxiedRequests: 2_000,
  /** What is reached through a tunnel has this long to begin its answer, and each hop of ours to take a connection. */
  proxyHeadMs: 60_000,
  proxyConnectMs: 5_000,
  /** A WebSocket or an answer on which nothing moves is ended after this. */
  proxyIdleMs: 10 * 60 * 1000,
  /** Body of a refusal that is passed on when a WebSocket was asked for. */
  proxyRefusalBytes: 64 * 1024,
  /** Lines of a log that are shown unless asked otherwise, at most, and the bytes that are looked at for them. */
  logTailLines: 1_000,
  logTailLinesMax: 100_000,
  logTailBytes: 8 * 1024 * 1024,
  /** A log that is followed is looked at this often, and so many are followed on one node at a time. */
  logFollowMs: 250,
  logsFollowed: 32,
  /** What a framework service passes to a director for its node: license syncs and metrics. */
  relayedBodyBytes: 2 * 1024 * 1024,
  relayedDeadlineMs: 15_000,

  /** The portal: bodies of forms, sessions at a time, how long one lives without and with use, log-ins from one address before it must wait. */
  portalBodyBytes: 16 * 1024,
  portalSessions: 32,
  portalIdleMs: 15 * 60 * 1000,
  portalSessionMs: 8 * 3600 * 1000,
  portalLoginFailures: 5,
  portalLoginWindowMs: 60 * 1000,
  portalAddressesCounted: 1_000,
  /** Comparisons of a password under way: each takes 16 MB for a moment. */
  portalLoginsUnderWay: 2,
  portalPasswordChars: 256,
  portalPasswordMinChars: 12,
  /** Log files of a node that are offered; lines and bytes of one that are shown; the same in a support bundle, and all of that together. */
  logFilesListed: 200,
  portalLogLines: 2_000,
  portalLogBytes: 512 * 1024,
  bundleLogLines: 500,
  bundleLogBytes: 128 * 1024,
  bundleBytes: 16 * 1024 * 1024,
  /** One step of the network test, and how many ends are tried at a time. */
  networkStepMs: 4_000,
  networkTargetsUnderWay: 8,

  /** One record of the node store; a plan of 32 services with all their templates stays far below. */
  nodeRecordBytes: 4 * 1024 * 1024,
  /** Damaged records of one name that are kept aside; the newest takes the last place. */
  damagedRecordsKept: 8,

  /** Running time of a license is stored, and exchanged between nodes, this often: what a power cut may lose of it. */
  licenseStoreMs: 60_000,
  /** A sync that nobody answers for this long has failed; a later answer is not used. Above callDeadlineMs. */
  licenseAnswerMs: 20_000,
  /** Two requests of a sync are at least this far apart, whatever makes them urgent. */
  licenseAskEveryMs: 500,
  /** Back-off of a failed sync at rate 1: the first delay before and after the first success, and the longest. */
  licenseFirstRetryMs: 1_000,
  licenseRetryMs: 60_000,
  licenseRetryCapMs: 60 * 60 * 1000,
  /** A sync is asked for earlier than due by this share of the sync period, so that a sync that works never gets overdue; at least by so much
   *  running time, but by no more than a quarter of the period. */
  licenseLeadShare: 0.05,
  licenseLeadMs: 1_000,
  /** And by up to this share more, so that sites do not come all at once. */
  licenseJitterShare: 0.1,
  /** Persons that a site keeps apart for counting named seats: 2 MB in its node store. */
  namedUsers: 100_000,
} as const;
