/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "backup/kv-dump-writer.h"

#include "backup/kv-dump.h"
#include "core/kv-decimal.h"
#include "core/kv-json-text.h"
#include "core/kv-timestamp.h"

#define append_literal(out, text) g_string_append_len (out, text, sizeof (text) - 1)

struct _KvDumpWriter {
  KvSnapshot *snapshot; /* (owned) (nullable): until all has been read */
  guint64 revision;
  guint64 entries; /* that have been written */
  gboolean begun;
};

KvDumpWriter *
kv_dump_writer_new (KvSnapshot *snapshot)
{
  KvDumpWriter *writer = g_new0 (KvDumpWriter, 1);

  writer->snapshot = snapshot;
  writer->revision = kv_snapshot_get_revision (snapshot);
  return writer;
}

guint64
kv_dump_writer_get_revision (const KvDumpWriter *writer)
{
  return writer->revision;
}

guint64
kv_dump_writer_get_entries (const KvDumpWriter *writer)
{
  return writer->entries;
}

static void
append_number (GString *out, guint64 number)
{
  char digits[KV_DECIMAL_MAX];

  g_string_append_len (out, digits, kv_decimal_format (digits, number) - digits);
}

static void
append_time (GString *out, gint64 wall)
{
  char text[KV_TIMESTAMP_SIZE];

  kv_timestamp_format (wall, text);
  g_string_append_c (out, '"');
  g_string_append (out, text);
  g_string_append_c (out, '"');
}

static void
append_head (KvDumpWriter *writer, GString *out)
{
  append_literal (out, "{\"kvstore\":\"dump\",\"version\":");
  append_number (out, KV_DUMP_VERSION);
  append_literal (out, ",\"revision\":");
  append_number (out, writer->revision);
  append_literal (out, ",\"time\":");
  append_time (out, g_get_real_time ());
  append_literal (out, "}\n");
}

static void
append_entry (GString *out, const KvEntry *entry)
{
  gint64 deadline = kv_entry_get_deadline (entry);
  const char *text;
  gsize length;

  append_literal (out, "{\"key\":");
  text = kv_entry_get_key (entry, &length);
  kv_json_text_append_string (out, text, length);
  append_literal (out, ",\"value\":");
  text = kv_entry_get_value (entry, &length);
  kv_json_text_append_string (out, text, length);
  append_literal (out, ",\"revision\":");
  append_number (out, kv_entry_get_revision (entry));
  if (deadline != KV_NO_DEADLINE)
    {
      append_literal (out, ",\"expires_at\":");
      append_time (out, kv_clock_to_wall (deadline));
    }
  append_literal (out, "}\n");
}

static void
append_end (KvDumpWriter *writer, GString *out)
{
  append_literal (out, "{\"end\":true,\"entries\":");
  append_number (out, writer->entries);
  append_literal (out, "}\n");
}

gboolean
kv_dump_writer_write (KvDumpWriter *writer, GString *out, gsize size)
{
  gsize goal = out->len + size;

  if (!writer->begun)
    append_head (writer, out);
  writer->begun = TRUE;

  while (writer->snapshot != NULL && out->len < goal)
    {
      g_autoptr (KvEntry) entry = kv_snapshot_next (writer->snapshot);

      if (entry == NULL)
        {
          append_end (writer, out);
          g_clear_pointer (&writer->snapshot, kv_snapshot_free);
          break;
        }
      append_entry (out, entry);
      writer->entries++;
    }
  return writer->snapshot != NULL;
}

void
kv_dump_writer_free (KvDumpWriter *writer)
{
  g_clear_pointer (&writer->snapshot, kv_snapshot_free);
  g_free (writer);
}
