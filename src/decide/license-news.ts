/**
 * News of the license as Events: what each says, when it happened, and what is still worth telling when a director answers again.
 *
 * I1: an Event bears the time at which it happened, not that of its delivery; of two, the later one never bears the earlier time.
 * I2: a change of state is always told, in its order: what happened stays true. When another state holds by then, it says which.
 * I3: a warning of days that are left is told only while it holds: delivered after the sync that it asked for, or after a later warning, it would send
 *     somebody to mend what is mended, with a number that is wrong.
 */

import type { EventReason } from '../model/event-reason.ts';
import type { LicenseEffect } from './license-keeper.ts';
import type { LicenseView } from './universal-license.ts';

export type LicenseNews = Extract<LicenseEffect, { kind: 'ReportState' | 'Warn' | 'ReportFailure' }>;

export interface LicenseNote {
  readonly key: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
  /** Trusted time at which it happened, ms since 1970. */
  readonly atMs: number;
  readonly about:
    | { readonly kind: 'State'; readonly state: LicenseView['state'] }
    | { readonly kind: 'Days'; readonly state: LicenseView['state']; readonly days: number }
    | { readonly kind: 'Failure' };
}

/** `last`: the note before, for the order of time. */
export function noteOf(news: LicenseNews, nowMs: number, last: LicenseNote | undefined): LicenseNote {
  // A newer statement may correct trusted time backward.
  const atMs = Math.max(nowMs, last?.atMs ?? nowMs);
  switch (news.kind) {
    case 'ReportState': {
      const { state, severity, message } = news.view;
      const isFirst = news.from === 'Inactive' && state === 'Active';
      const isBad = severity === 'Warning' || severity === 'Danger';
      const reason = isFirst ? 'LicenseActivated' : 'LicenseStateChanged';
      return { key: news.key, type: isBad ? 'Warning' : 'Normal', reason, message, atMs, about: { kind: 'State', state } };
    }
    case 'Warn': {
      const about = { kind: 'Days', state: news.view.state, days: news.days } as const;
      return { key: news.key, type: 'Warning', reason: 'LicenseWarning', message: news.view.message, atMs, about };
    }
    case 'ReportFailure':
      return {
        key: `failure-${news.message}`,
        type: 'Warning',
        reason: 'LicenseSyncFailed',
        message: `The license was not synced: ${news.message}`,
        atMs,
        about: { kind: 'Failure' },
      };
  }
}

/** What is told of `note` now that somebody listens; undefined: nothing any more. */
export function tellable({ about, message }: LicenseNote, now: Pick<LicenseView, 'state' | 'warnAtDays'>): string | undefined {
  switch (about.kind) {
    case 'State':
      return about.state === now.state ? message : `${message} (Told late: the license is ${now.state} by now.)`;
    case 'Days':
      return about.state === now.state && about.days === now.warnAtDays ? message : undefined;
    case 'Failure':
      return message;
  }
}
