/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-restore.h"

#include "backup/kv-restore.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-meter.h"
#include "dbus/kv-dbus-options.h"
#include "dbus/kv-dbus-transfer.h"

/* What is read at a time: as much as a restore likes to be fed. */
#define PIECE (64 * 1024)

/* What the courier works with. */
typedef struct {
  gsize length; /* 0 at the end */
  char bytes[PIECE];
} Piece;

typedef struct {
  KvDbusTransfer transfer; /* first */
  KvStore *store;          /* (owned) */
  KvRestore *restore;      /* (owned) */
  KvRateBucket *bucket;    /* (owned): of the caller */
  guint64 charged;         /* requests that it has been charged for, beside the one */
  Piece *piece;            /* (borrowed) of the courier */
  gboolean is_whole;       /* all of the dump has come */
  gboolean dry_run;
  KvRestoreCounts counts;
} Restore;

static void
restore_free (gpointer data)
{
  Restore *restore = data;

  kv_restore_free (restore->restore);
  kv_rate_bucket_release (restore->bucket);
  g_object_unref (restore->store);
  g_free (restore);
}

/* A KvDbusCourierWork: some of the dump. */
static gboolean
read_piece (KvDbusPort *port, gpointer data, GError **error)
{
  Piece *piece = data;
  gssize length = kv_dbus_port_read (port, piece->bytes, sizeof piece->bytes, error);

  piece->length = (gsize) MAX (length, 0);

  return length >= 0;
}

static void on_piece (gpointer user_data, const GError *error);

/* The restore is given some bytes, or none when it is asked how it goes. */
static void
feed (Restore *restore, const char *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;
  KvRestoreState state = kv_restore_feed (restore->restore, bytes, length, &error);

  kv_rate_bucket_charge_entries (restore->bucket, kv_restore_get_entries (restore->restore),
                                 &restore->charged);
  switch (state)
    {
    case KV_RESTORE_READY:
      kv_dbus_courier_send (restore->transfer.courier, read_piece, on_piece, restore);
      return;
    case KV_RESTORE_FULL:
      return;
    case KV_RESTORE_FAILED:
      kv_dbus_transfer_conclude (&restore->transfer, error, NULL);
      return;
    default:
      g_assert_not_reached ();
    }
}

static void
on_piece (gpointer user_data, const GError *error)
{
  Restore *restore = user_data;

  if (error != NULL)
    {
      kv_dbus_transfer_conclude (&restore->transfer, error, NULL);
      return;
    }
  if (restore->piece->length > 0)
    {
      feed (restore, restore->piece->bytes, restore->piece->length);
      return;
    }
  restore->is_whole = TRUE;
  kv_restore_finish (restore->restore);
}

static void
write_counts (KvDbusWriter *writer, gconstpointer data)
{
  const Restore *restore = data;

  kv_dbus_codec_write_restore (writer, &restore->counts, restore->dry_run,
                               kv_store_get_revision (restore->store));
}

static void
on_progress (KvRestore *source, gpointer user_data)
{
  Restore *restore = user_data;
  g_autoptr (GError) error = NULL;

  if (!restore->is_whole)
    {
      feed (restore, NULL, 0);
      return;
    }
  kv_restore_get_outcome (source, &restore->counts, &error);
  kv_dbus_transfer_conclude (&restore->transfer, error, write_counts);
}

static Restore *
restore_new (KvDbusContext *context, KvDbusCall *call, const KvDbusOptions *given)
{
  const KvRestoreOptions options = {
    .mode = given->mode,
    .dry_run = (given->given & KV_DBUS_OPTION_DRY_RUN) != 0,
    .max_value = context->max_value_size,
  };
  Restore *restore = g_new0 (Restore, 1);

  restore->store = g_object_ref (context->store);
  restore->restore = kv_restore_new (context->store, &options, on_progress, restore);
  restore->bucket = kv_dbus_meter_get_bucket (context->limiter, kv_dbus_call_get_sender (call));
  restore->piece = g_new0 (Piece, 1);
  restore->dry_run = options.dry_run;

  return restore;
}

gboolean
kv_dbus_restore_run (KvDbusContext *context,
                     KvDbusReader *parameters,
                     KvDbusCall *call,
                     GError **error)
{
  KvDbusOptions options;
  Restore *restore;

  /* The descriptor, which is with the call. */
  kv_dbus_reader_take_uint32 (parameters);
  if (!kv_dbus_options_parse (parameters, KV_DBUS_OPTIONS_RESTORE, &options, error))
    return FALSE;
  restore = restore_new (context, call, &options);
  if (!kv_dbus_transfer_begin (&restore->transfer, context, call, KV_DBUS_PORT_READ, restore->piece,
                               g_free, restore_free, error))
    {
      restore_free (restore);
      return FALSE;
    }
  kv_dbus_courier_send (restore->transfer.courier, read_piece, on_piece, restore);

  return TRUE;
}
