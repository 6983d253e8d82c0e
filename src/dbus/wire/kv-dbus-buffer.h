/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvDbusBuffer:
 * @data: (owned) (nullable): memory
 * @start: where what is held begins
 * @end: where it ends
 * @capacity: of @data, in bytes
 *
 * Bytes in a row that grow at one end and are used up at the other: begin with `{ 0 }`, end with kv_dbus_buffer_clear().
 * One thread at a time may have it.
 */
typedef struct {
  guint8 *data;
  gsize start;
  gsize end;
  gsize capacity;
} KvDbusBuffer;

/**
 * kv_dbus_buffer_get_length:
 *
 * Returns: how many bytes are held
 */
static inline gsize
kv_dbus_buffer_get_length (const KvDbusBuffer *buffer)
{
  return buffer->end - buffer->start;
}

/**
 * kv_dbus_buffer_grow:
 * @room: in bytes
 *
 * Sees to it that @room more bytes can be put behind what is held. What is held may move.
 */
void kv_dbus_buffer_grow (KvDbusBuffer *buffer, gsize room);

/**
 * kv_dbus_buffer_extend:
 * @length: in bytes
 *
 * Adds @length bytes to what is held.
 *
 * Returns: the first of them, to be written by the caller before anything else happens to @buffer
 */
static inline guint8 *
kv_dbus_buffer_extend (KvDbusBuffer *buffer, gsize length)
{
  guint8 *added;

  if (G_UNLIKELY (length > buffer->capacity - buffer->end))
    kv_dbus_buffer_grow (buffer, length);
  added = buffer->data + buffer->end;
  buffer->end += length;

  return added;
}

/**
 * kv_dbus_buffer_append:
 * @data: (array length=length): may be %NULL when there is nothing
 *
 * Adds a copy of @data.
 */
void kv_dbus_buffer_append (KvDbusBuffer *buffer, const void *data, gsize length);

/**
 * kv_dbus_buffer_consume:
 * @length: no more than is held
 *
 * Lets go of the first @length bytes. Memory that was needed for something large once is given back with the last of them.
 */
void kv_dbus_buffer_consume (KvDbusBuffer *buffer, gsize length);

/**
 * kv_dbus_buffer_clear:
 *
 * Lets go of everything.
 */
void kv_dbus_buffer_clear (KvDbusBuffer *buffer);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KvDbusBuffer, kv_dbus_buffer_clear)

G_END_DECLS
