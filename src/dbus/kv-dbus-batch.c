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

static void
on_done (KvStore *store,
         KvResult *results,
         guint length,
         gboolean committed,
         const GError *error,
         gpointer user_data)
{
  KvDbusCall *call = user_data;
  g_autofree GVariant **children = NULL;
  gsize budget = KV_DBUS_MAX_REPLY_BYTES;
  GVariant *reply;

  if (error != NULL)
    {
      kv_dbus_error_return (call, g_error_copy (error));
      return;
    }
  children = g_new (GVariant *, length);
  for (guint i = 0; i < length; i++)
    children[i] = kv_dbus_codec_batch_result (&results[i], &budget);
  reply = g_variant_new_array (G_VARIANT_TYPE ("(usa{sv})"), children, length);
  kv_dbus_call_return (call, g_variant_new_tuple (&reply, 1));
}

gboolean
kv_dbus_batch_run (KvDbusContext *context, GVariant *parameters, KvDbusCall *call, GError **error)
{
  g_autoptr (GVariant) entries = g_variant_get_child_value (parameters, 0);
  gsize n_entries = g_variant_n_children (entries);
  g_auto (Batch) batch = { 0 };

  if (!kv_dbus_limits_check_count (n_entries, "entries", error))
    return FALSE;
  batch.operations = g_new0 (KvOperation, n_entries);
  for (; batch.length < n_entries; batch.length++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (entries, batch.length);

      if (!kv_dbus_operation_init_entry (&batch.operations[batch.length], entry,
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
