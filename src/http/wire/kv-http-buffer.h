/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvHttpBuffer:
 * @data: (owned) (nullable): the memory
 * @start: where the bytes begin
 * @end: where they end, and the free space begins
 * @size: bytes of memory
 *
 * Bytes that come in at one end and go out at the other. Zeroed it is empty, and holds no memory.
 */
typedef struct {
  char *data;
  gsize start;
  gsize end;
  gsize size;
} KvHttpBuffer;

/**
 * kv_http_buffer_reserve:
 *
 * Makes room for @space more bytes behind the end. The bytes may move.
 */
void kv_http_buffer_reserve (KvHttpBuffer *buffer, gsize space);

/**
 * kv_http_buffer_append:
 */
void kv_http_buffer_append (KvHttpBuffer *buffer, const char *data, gsize length);

/**
 * kv_http_buffer_consume:
 *
 * Takes @length bytes away at the start. Does not move the others.
 */
void kv_http_buffer_consume (KvHttpBuffer *buffer, gsize length);

/**
 * kv_http_buffer_cut:
 * @position: counted from the start
 *
 * Takes @length bytes out of the middle, and moves those behind them up.
 */
void kv_http_buffer_cut (KvHttpBuffer *buffer, gsize position, gsize length);

/**
 * kv_http_buffer_clear:
 *
 * Lets go of bytes and memory.
 */
void kv_http_buffer_clear (KvHttpBuffer *buffer);

static inline char *
kv_http_buffer_peek (const KvHttpBuffer *buffer)
{
  /* No arithmetic on the NULL of an empty one. */
  return buffer->start > 0 ? buffer->data + buffer->start : buffer->data;
}

static inline gsize
kv_http_buffer_length (const KvHttpBuffer *buffer)
{
  return buffer->end - buffer->start;
}

G_END_DECLS
