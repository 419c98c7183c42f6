/**
 * A map that is also kept in the order of its keys: the entities of one resource, found by name and listed in order.
 *
 * Keys live in chunks of bounded size, so that an insertion moves a few hundred pointers instead of all of them, and a listing is a plain walk
 * over arrays. Replacing a value (most writes) touches no order at all.
 *
 * I1: a walk yields keys in strictly rising order of UTF-16 code units (names are ASCII, so this is the order of bytes).
 * I2: no chunk is empty and none holds more than CHUNK_MAX slots.
 */

const CHUNK_MAX = 512;

interface Slot<V> {
  readonly key: string;
  value: V;
}

export class SortedTable<V> {
  readonly #slots = new Map<string, Slot<V>>();
  #chunks: Slot<V>[][] = [];

  get size(): number {
    return this.#slots.size;
  }

  get(key: string): V | undefined {
    return this.#slots.get(key)?.value;
  }

  set(key: string, value: V): void {
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      slot.value = value;
      return;
    }
    const added = { key, value };
    this.#slots.set(key, added);
    this.#insert(added);
  }

  delete(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    chunk.splice(lowerBound(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Values with `from` ≤ key < `to`, in order; without bounds all of them. */
  values(from = '', to?: string): V[] {
    const out: V[] = [];
    for (let c = from === '' ? 0 : this.#chunkOf(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] ?? [];
      const start = from === '' ? 0 : lowerBound(chunk, from);
      const end = to === undefined ? chunk.length : lowerBound(chunk, to);
      for (let i = start; i < end; i++) out.push((chunk[i] as Slot<V>).value);
      if (end < chunk.length) break;
    }
    return out;
  }

  /** How many keys lie in [from, to). */
  countRange(from: string, to: string): number {
    let count = 0;
    for (let c = this.#chunkOf(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] ?? [];
      const end = lowerBound(chunk, to);
      count += end - lowerBound(chunk, from);
      if (end < chunk.length) break;
    }
    return count;
  }

  #insert(slot: Slot<V>): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([slot]);
      return;
    }
    const at = this.#chunkOf(slot.key);
    const chunk = this.#chunks[at] ?? [];
    chunk.splice(lowerBound(chunk, slot.key), 0, slot);
    if (chunk.length <= CHUNK_MAX) return;
    // Rising insertions (a load, numbered names) leave full chunks behind instead of half-empty ones.
    const cut = at === this.#chunks.length - 1 ? Math.floor(CHUNK_MAX * 0.9) : CHUNK_MAX / 2;
    this.#chunks.splice(at + 1, 0, chunk.splice(cut));
  }

  /** Index of the chunk that holds `key`, or would: the last one whose first key is not above it. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#chunks[middle]?.[0]?.key ?? '') <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Index of the first slot whose key is not below `key`. */
function lowerBound(chunk: readonly Slot<unknown>[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as Slot<unknown>).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
