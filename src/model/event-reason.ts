/**
 * Reasons of the Events that Outrigger records: a closed list, so that people can select by them.
 */

export const EVENT_REASONS = [
  'AttemptStarted',
  'AttemptFailed',
  'AttemptAbandoned',
  'Available',
  'Waiting',
  'NodeCreated',
  'NodeDeleted',
  'NodeRetired',
  'NodeReplaced',
  'NodeLeft',
  'Deleting',
  'Deleted',
  'Swept',
  'SitePaired',
  'SitePairingFailed',
  'SiteUnplugged',
  'SiteLeftBehind',
  'LicenseActivated',
  'LicenseSyncFailed',
  'LicenseWarning',
  'LicenseStateChanged',
  'NodeRevoked',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];
