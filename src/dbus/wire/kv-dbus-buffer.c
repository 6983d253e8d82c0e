/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "dbus/wire/kv-dbus-buffer.h"

#include <string.h>

/* The least that is allocated. */
#define MIN_CAPACITY 4096

/* What an empty buffer keeps for what comes next; messages of megabytes are rare. */
#define MAX_IDLE_CAPACITY (256 * 1024)

void
kv_dbus_buffer_grow (KvDbusBuffer *buffer, gsize room)
{
  gsize length = kv_dbus_buffer_get_length (buffer);

  if (room <= buffer->capacity - buffer->end)
    return;
  if (buffer->start > 0)
    {
      memmove (buffer->data, buffer->data + buffer->start, length);
      buffer->start = 0;
      buffer->end = length;
    }
  if (room <= buffer->capacity - length)
    return;

  buffer->capacity = MAX (MAX (buffer->capacity * 2, MIN_CAPACITY), length + room);
  buffer->data = g_realloc (buffer->data, buffer->capacity);
}

void
kv_dbus_buffer_append (KvDbusBuffer *buffer, const void *data, gsize length)
{
  if (length > 0)
    memcpy (kv_dbus_buffer_extend (buffer, length), data, length);
}

void
kv_dbus_buffer_consume (KvDbusBuffer *buffer, gsize length)
{
  buffer->start += length;
  if (buffer->start < buffer->end)
    return;
  if (buffer->capacity > MAX_IDLE_CAPACITY)
    {
      kv_dbus_buffer_clear (buffer);
      return;
    }
  buffer->start = 0;
  buffer->end = 0;
}

void
kv_dbus_buffer_clear (KvDbusBuffer *buffer)
{
  g_free (buffer->data);
  *buffer = (KvDbusBuffer){ 0 };
}
