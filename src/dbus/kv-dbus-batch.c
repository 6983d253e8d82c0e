/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-batch.h"

#include "core/kv-operation.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-operation.h"

/**
 * Batch:
 *
 * Operations on their way to the store.
 */
typedef struct {
  KvOperation *operations; /* (owned) */
  gsize length;
} Batch;

static void
batch_clear (Batch *batch)
{
  for (gsize i = 0; i < batch->length; i++)
    kv_operation_clear (&batch->operations[i]);
  g_clear_pointer (&batch->operations, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Batch, batch_clear)

/* What has become of them. */
typedef struct {
  const KvResult *results;
  guint length;
} Outcome;

static void
write_outcome (KvDbusWriter *writer, gconstpointer data)
{
  const Outcome *outcome = data;
  KvDbusArray array = kv_dbus_writer_open_array (writer, KV_DBUS_BATCH_RESULT_TYPE);
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;

  for (guint i = 0; i < outcome->length; i++)
    kv_dbus_codec_write_batch_result (writer, &outcome->results[i], &budget);
  kv_dbus_writer_close_array (writer, array);
}

static void
on_done (KvStore *store,
         KvResult *results,
         guint length,
         gboolean committed,
         const GError *error,
         gpointer user_data)
{
  const Outcome outcome = { .results = results, .length = length };
  KvDbusCall *call = user_data;

  if (error != NULL)
    kv_dbus_error_return (call, g_error_copy (error));
  else
    kv_dbus_call_return (call, write_outcome, &outcome);
}

gboolean
kv_dbus_batch_run (KvDbusContext *context,
                   KvDbusReader *parameters,
                   KvDbusCall *call,
                   GError **error)
{
  g_auto (Batch) batch = { 0 };
  KvDbusReader entries;
  gsize n_entries;

  kv_dbus_reader_take_array (parameters, "(sssa{sv})", &entries);
  n_entries = kv_dbus_reader_count (&entries, "(sssa{sv})");
  if (!kv_dbus_limits_check_count (n_entries, "entries", error))
    return FALSE;
  batch.operations = g_new0 (KvOperation, n_entries);
  for (; batch.length < n_entries; batch.length++)
    {
      if (!kv_dbus_operation_init_entry (&batch.operations[batch.length], &entries,
                                         context->max_value_size, error))
        {
          g_prefix_error (error, "Entry %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT ": ",
                          batch.length + 1, n_entries);
          return FALSE;
        }
    }
  if (n_entries == 0)
    on_done (context->store, NULL, 0, TRUE, NULL, call);
  else
    kv_store_submit (context->store, batch.operations, (guint) n_entries, FALSE, on_done, call);

  return TRUE;
}
