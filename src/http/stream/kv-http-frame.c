/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-frame.h"

#include <string.h>

/* U+240D SYMBOL FOR CARRIAGE RETURN. The grammar takes CR for the end of a line wherever it stands,
 * so no value can carry one; docs/sse.md tells why this and not a backslash. */
#define CR_SYMBOL "\xe2\x90\x8d"

/* A line of a value, which holds no LF. */
static void
append_line (GString *frame, const char *text, gsize length)
{
  const char *end = text + length;
  const char *cr;

  g_string_append (frame, "data: ");
  while ((cr = memchr (text, '\r', end - text)) != NULL)
    {
      g_string_append_len (frame, text, cr - text);
      g_string_append (frame, CR_SYMBOL);
      text = cr + 1;
    }
  g_string_append_len (frame, text, end - text);
  g_string_append_c (frame, '\n');
}

/* The value, in as many lines as it has, and the empty line that ends the frame. */
static void
append_data (GString *frame, const char *value, gsize length)
{
  const char *end = value + length;
  const char *lf;

  while ((lf = memchr (value, '\n', end - value)) != NULL)
    {
      append_line (frame, value, lf - value);
      value = lf + 1;
    }
  append_line (frame, value, end - value);
  g_string_append_c (frame, '\n');
}

/* A key holds no control character, so it cannot leave its line. */
static GBytes *
build (const char *id, const char *event, const char *key, const KvEntry *entry)
{
  gsize length = 0;
  const char *value = entry != NULL ? kv_entry_get_value (entry, &length) : "";
  GString *frame = g_string_sized_new (length + strlen (key) + 64);

  g_string_append (frame, id);
  g_string_append (frame, "event: ");
  g_string_append (frame, event);
  g_string_append (frame, " key ");
  g_string_append (frame, key);
  g_string_append_c (frame, '\n');
  append_data (frame, value, length);
  return g_string_free_to_bytes (frame);
}

GBytes *
kv_http_frame_new_snapshot (const char *key, const KvEntry *entry)
{
  return build ("", "WATCH", key, entry);
}

static const char *
get_event (KvChangeKind kind)
{
  switch (kind)
    {
    case KV_CHANGE_PUT:
      return "PUT";
    case KV_CHANGE_DELETE:
      return "DELETE";
    case KV_CHANGE_SWAP:
      return "COMPARE_AND_SWAP";
    case KV_CHANGE_EXPIRED:
      return "EXPIRED";
    }
  g_assert_not_reached ();
}

GBytes *
kv_http_frame_new_change (const KvChange *change)
{
  char id[32] = "";

  if (change->last)
    g_snprintf (id, sizeof id, "id: %" G_GUINT64_FORMAT "\n", change->revision);
  return build (id, get_event (change->kind), kv_change_get_key (change, NULL), change->entry);
}

GBytes *
kv_http_frame_new_comment (void)
{
  return g_bytes_new_static (":\n\n", strlen (":\n\n"));
}
