/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/kv-dbus-dump.h"

#include "backup/kv-dump-writer.h"
#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-transfer.h"

/* What is made and written at a time. */
#define PIECE (64 * 1024)

/* What a long value has made of the memory for a piece is given back. */
#define MAX_KEPT (4 * PIECE)

/* What the courier works with. */
typedef struct {
  KvDumpWriter *writer; /* (owned) */
  GString *piece;       /* (owned) */
} Work;

typedef struct {
  KvDbusTransfer transfer; /* first */
  Work *work;              /* (borrowed) of the courier */
  guint64 revision;
  guint64 entries;
} Dump;

static Work *
work_new (KvStore *store)
{
  Work *work = g_new (Work, 1);

  work->writer = kv_dump_writer_new (kv_snapshot_new (store));
  work->piece = g_string_sized_new (PIECE + PIECE / 4);

  return work;
}

static void
work_free (gpointer data)
{
  Work *work = data;

  kv_dump_writer_free (work->writer);
  g_string_free (work->piece, TRUE);
  g_free (work);
}

static void
make_room (Work *work)
{
  if (work->piece->allocated_len > MAX_KEPT)
    {
      g_string_free (work->piece, TRUE);
      work->piece = g_string_sized_new (PIECE + PIECE / 4);
    }
  g_string_truncate (work->piece, 0);
}

/* A KvDbusCourierWork: all of the dump. */
static gboolean
write_all (KvDbusPort *port, gpointer data, GError **error)
{
  Work *work = data;
  gboolean more = TRUE;

  while (more)
    {
      make_room (work);
      more = kv_dump_writer_write (work->writer, work->piece, PIECE);
      if (!kv_dbus_port_write (port, work->piece->str, work->piece->len, error))
        return FALSE;
    }

  return TRUE;
}

static void
write_details (KvDbusWriter *writer, gconstpointer data)
{
  const Dump *dump = data;

  kv_dbus_codec_write_dump (writer, dump->revision, dump->entries);
}

static void
on_written (gpointer user_data, const GError *error)
{
  Dump *dump = user_data;

  dump->revision = kv_dump_writer_get_revision (dump->work->writer);
  dump->entries = kv_dump_writer_get_entries (dump->work->writer);
  kv_dbus_transfer_conclude (&dump->transfer, error, write_details);
}

gboolean
kv_dbus_dump_run (KvDbusContext *context,
                  KvDbusReader *parameters,
                  KvDbusCall *call,
                  GError **error)
{
  Dump *dump = g_new0 (Dump, 1);

  dump->work = work_new (context->store);
  if (!kv_dbus_transfer_begin (&dump->transfer, context, call, KV_DBUS_PORT_WRITE, dump->work,
                               work_free, g_free, error))
    {
      g_free (dump);
      return FALSE;
    }
  kv_dbus_courier_send (dump->transfer.courier, write_all, on_written, dump);

  return TRUE;
}
