/**
 * ticker: says once a second that it lives, where, and in which term of the primary. A Singleton: exactly one runs in the whole cluster.
 *
 * A singleton that writes somewhere else sends OUTRIGGER_TERM along, so that the other side can refuse a writer of an older term.
 */
const { NODE_NAME = 'unknown', OUTRIGGER_TERM = '0', RELEASE = 'unknown' } = process.env;
let count = 0;

function tick() {
  count += 1;
  console.log(`${new Date().toISOString()} tick ${count} node=${NODE_NAME} term=${OUTRIGGER_TERM} release=${RELEASE}`);
}

tick();
const timer = setInterval(tick, 1000);
process.on('SIGTERM', () => {
  clearInterval(timer);
  console.log(`ticker on ${NODE_NAME} stops after ${count} ticks`);
});
