/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-json-frame.h"

#include "core/kv-clock.h"
#include "core/kv-json-text.h"
#include "core/kv-timestamp.h"

/* What a frame takes besides key and value. */
#define ROOM 192

static void
append_number (GString *frame, const char *name, guint64 number)
{
  g_string_append_printf (frame, "\"%s\":%" G_GUINT64_FORMAT, name, number);
}

/* What comes last in the line, and what comes behind it. */
static GBytes *
end (GString *frame)
{
  g_string_append (frame, "}\n\n");
  return g_string_free_to_bytes (frame);
}

/* The beginning of a frame of what happened to a key. @id is 0 for none. */
static GString *
begin (const char *event, guint64 id, const char *key, gsize length, gsize room)
{
  GString *frame = g_string_sized_new (length + room + ROOM);

  if (id != 0)
    g_string_append_printf (frame, "id: %" G_GUINT64_FORMAT "\n", id);
  g_string_append (frame, "event: ");
  g_string_append (frame, event);
  g_string_append (frame, "\ndata: {\"key\":");
  kv_json_text_append_string (frame, key, length);
  g_string_append_c (frame, ',');
  return frame;
}

/* How much room the value will need, if it is to be told and holds little that must be escaped. */
static gsize
room_for (const KvEntry *entry, KvHttpFrameShape shape)
{
  gsize length = 0;

  if (entry != NULL && (shape & KV_HTTP_FRAME_VALUES) != 0)
    kv_entry_get_value (entry, &length);
  return length;
}

static void
append_value (GString *frame, const KvEntry *entry, KvHttpFrameShape shape)
{
  gsize length;
  const char *value = kv_entry_get_value (entry, &length);

  if ((shape & KV_HTTP_FRAME_VALUES) == 0)
    return;
  g_string_append (frame, ",\"value\":");
  kv_json_text_append_string (frame, value, length);
}

static void
append_expires (GString *frame, const KvEntry *entry)
{
  gint64 deadline = kv_entry_get_deadline (entry);
  char text[KV_TIMESTAMP_SIZE];

  if (deadline == KV_NO_DEADLINE)
    return;
  kv_timestamp_format (kv_clock_to_wall (deadline), text);
  g_string_append_printf (frame, ",\"expires\":\"%s\"", text);
}

static void
append_entry (GString *frame, const KvEntry *entry, KvHttpFrameShape shape)
{
  append_number (frame, "revision", kv_entry_get_revision (entry));
  append_value (frame, entry, shape);
  append_expires (frame, entry);
}

static void
append_previous (GString *frame, const KvEntry *previous, KvHttpFrameShape shape)
{
  if ((shape & KV_HTTP_FRAME_PREVIOUS) == 0)
    return;
  if (previous == NULL)
    {
      g_string_append (frame, ",\"prev\":null");
      return;
    }
  g_string_append (frame, ",\"prev\":{");
  append_number (frame, "revision", kv_entry_get_revision (previous));
  append_value (frame, previous, shape);
  g_string_append_c (frame, '}');
}

static const char *
get_event (KvChangeKind kind)
{
  switch (kind)
    {
    case KV_CHANGE_PUT:
    case KV_CHANGE_SWAP:
      return "put";
    case KV_CHANGE_DELETE:
      return "delete";
    case KV_CHANGE_EXPIRED:
      return "expired";
    }
  g_assert_not_reached ();
}

GBytes *
kv_http_json_frame_new_snapshot (const KvEntry *entry, KvHttpFrameShape shape)
{
  gsize length;
  const char *key = kv_entry_get_key (entry, &length);
  GString *frame = begin ("put", 0, key, length, room_for (entry, shape));

  append_entry (frame, entry, shape);
  g_string_append (frame, ",\"snapshot\":true");
  return end (frame);
}

GBytes *
kv_http_json_frame_new_change (const KvChange *change, KvHttpFrameShape shape)
{
  gboolean with_previous = (shape & KV_HTTP_FRAME_PREVIOUS) != 0;
  gsize room =
    room_for (change->entry, shape) + (with_previous ? room_for (change->previous, shape) : 0);
  gsize length;
  const char *key = kv_change_get_key (change, &length);
  GString *frame =
    begin (get_event (change->kind), change->last ? change->revision : 0, key, length, room);

  if (change->entry != NULL)
    append_entry (frame, change->entry, shape);
  else
    append_number (frame, "revision", change->revision);
  if (change->kind == KV_CHANGE_SWAP)
    g_string_append (frame, ",\"cause\":\"swap\"");
  append_previous (frame, change->previous, shape);
  return end (frame);
}

GBytes *
kv_http_json_frame_new_late (const KvChange *change, KvHttpFrameShape shape)
{
  gsize length;
  const char *key = kv_change_get_key (change, &length);
  GString *frame;

  if (change->entry != NULL)
    return kv_http_json_frame_new_snapshot (change->entry, shape);
  frame = begin (get_event (change->kind), 0, key, length, 0);
  append_number (frame, "revision", change->revision);
  g_string_append (frame, ",\"snapshot\":true");
  return end (frame);
}

static GBytes *
new_mark (const char *event, guint64 revision)
{
  GString *frame = g_string_sized_new (ROOM);

  g_string_append_printf (frame, "id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: {", revision, event);
  append_number (frame, "revision", revision);
  return end (frame);
}

GBytes *
kv_http_json_frame_new_snapshot_end (guint64 revision)
{
  return new_mark ("snapshot_end", revision);
}

GBytes *
kv_http_json_frame_new_progress (guint64 revision)
{
  return new_mark ("progress", revision);
}

GBytes *
kv_http_json_frame_new_reset (guint64 oldest, guint64 current)
{
  GString *frame = g_string_sized_new (ROOM);

  g_string_append (frame, "event: reset\ndata: {");
  append_number (frame, "oldest", oldest);
  g_string_append_c (frame, ',');
  append_number (frame, "current", current);
  return end (frame);
}
