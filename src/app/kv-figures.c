/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-figures.h"

#include "journal/kv-journal.h"
#include "kv-config.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store-figures.h"

static void
write_counter (KvMetricsWriter *writer, const char *name, const char *help, guint64 value)
{
  kv_metrics_writer_begin (writer, name, KV_METRIC_COUNTER, NULL, help);
  kv_metrics_writer_add (writer, value, NULL);
}

static void
write_gauge (KvMetricsWriter *writer, const char *name, const char *help, guint64 value)
{
  kv_metrics_writer_begin (writer, name, KV_METRIC_GAUGE, NULL, help);
  kv_metrics_writer_add (writer, value, NULL);
}

static void
write_bytes (KvMetricsWriter *writer, const char *name, const char *help, guint64 value)
{
  kv_metrics_writer_begin (writer, name, KV_METRIC_GAUGE, "bytes", help);
  kv_metrics_writer_add (writer, value, NULL);
}

void
kv_figures_write_build (KvMetricsWriter *writer, gpointer unused)
{
  kv_metrics_writer_begin (writer, "kvstore_build", KV_METRIC_INFO, NULL, "What is running.");
  kv_metrics_writer_add (writer, 1, "version", KV_VERSION, NULL);
}

static void
write_operations (KvMetricsWriter *writer, const KvStoreStatus *status)
{
  const struct {
    const char *operation;
    const char *outcome;
    guint64 count;
  } operations[] = {
    { "get", "found", status->gets },           { "put", "written", status->puts },
    { "delete", "deleted", status->deletes },   { "swap", "swapped", status->swaps_succeeded },
    { "swap", "failed", status->swaps_failed },
  };

  kv_metrics_writer_begin (writer, "kvstore_operations", KV_METRIC_COUNTER, NULL,
                           "Operations on keys, through either door, that did something, and "
                           "swaps that did not.");
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    kv_metrics_writer_add (writer, operations[i].count, "operation", operations[i].operation,
                           "outcome", operations[i].outcome, NULL);
}

static void
write_log (KvMetricsWriter *writer, const KvStoreFigures *figures)
{
  write_gauge (writer, "kvstore_log_changes", "Changes that the log holds for watches.",
               figures->log.changes);
  write_bytes (writer, "kvstore_log_bytes",
               "Size of the entries that the log keeps in memory, counted roughly.",
               figures->log.bytes);
  write_gauge (writer, "kvstore_log_oldest_revision",
               "Oldest revision after which a watch can resume.", figures->log.oldest);
  write_gauge (writer, "kvstore_log_lag_changes",
               "Changes that the slowest reader that feeds watches has still to look at.",
               figures->lag);
}

void
kv_figures_write_store (KvMetricsWriter *writer, gpointer store)
{
  KvStoreFigures figures;

  kv_store_get_figures (store, &figures);
  write_gauge (writer, "kvstore_keys",
               "Keys; one whose time has come counts until it has been removed.",
               figures.status.keys);
  write_bytes (writer, "kvstore_entries_bytes",
               "Size of all entries: keys, values, and a header for each.", figures.bytes);
  write_gauge (writer, "kvstore_revision", "Revision of the last change that can be seen.",
               figures.status.revision);
  write_operations (writer, &figures.status);
  write_counter (writer, "kvstore_expirations", "Keys that were removed as their time had come.",
                 figures.status.expirations);
  write_gauge (writer, "kvstore_watches", "Watches, through either door.", figures.status.watches);
  write_gauge (writer, "kvstore_batches", "Batches that are being carried out.",
               figures.status.batches);
  write_gauge (writer, "kvstore_writable", "Whether writes are taken: 1 or 0.",
               figures.is_writable ? 1 : 0);
  write_log (writer, &figures);
  if (!figures.is_kept)
    return;
  write_gauge (writer, "kvstore_journal_lag_changes", "Changes that are not on the disk yet.",
               figures.held_changes);
  write_bytes (writer, "kvstore_journal_lag_bytes",
               "Size of the entries that changes not on the disk yet keep in memory.",
               figures.held_bytes);
  write_gauge (writer, "kvstore_journal_strict",
               "Whether a write is answered only when it is on the disk: 1 or 0.",
               figures.is_strict ? 1 : 0);
}

void
kv_figures_write_journal (KvMetricsWriter *writer, gpointer journal)
{
  KvJournalStatus status;

  kv_journal_get_status (journal, &status);
  write_gauge (writer, "kvstore_journal_failing",
               "Whether the disk does not take what is written to it: 1 or 0.",
               status.failing ? 1 : 0);
  write_counter (writer, "kvstore_journal_failures", "Transactions that could not be written.",
                 status.failures);
  write_counter (writer, "kvstore_journal_changes", "Changes that were written to the disk.",
                 status.changes);
  kv_metrics_writer_begin (writer, "kvstore_journal_commit_duration_seconds", KV_METRIC_HISTOGRAM,
                           "seconds", "Time that transactions took until the disk had them.");
  kv_metrics_writer_add_histogram (writer, &status.commit_times, NULL);
  write_gauge (writer, "kvstore_journal_loaded_keys", "Keys that were loaded at the start.",
               status.keys);
  write_bytes (writer, "kvstore_journal_file_bytes",
               "Size of the database and its write-ahead log.", status.size);
}

void
kv_figures_write_limiter (KvMetricsWriter *writer, gpointer limiter)
{
  write_counter (
    writer, "kvstore_rate_limited_requests",
    "Requests, through either door, that were refused as their client had made too many.",
    kv_rate_limiter_count_refused (limiter));
  write_gauge (writer, "kvstore_rate_limiter_clients", "Clients whose allowance is remembered.",
               kv_rate_limiter_count (limiter));
}
