/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/wire/kv-http-buffer.h"

#include <string.h>

#define LEAST_SIZE 4096u

void
kv_http_buffer_reserve (KvHttpBuffer *buffer, gsize space)
{
  gsize length = kv_http_buffer_length (buffer);

  if (buffer->size - buffer->end >= space)
    return;

  if (buffer->start > 0)
    {
      memmove (buffer->data, buffer->data + buffer->start, length);
      buffer->start = 0;
      buffer->end = length;
    }
  if (buffer->size - length < space)
    {
      /* Doubled while small. A large request is known beforehand: no more than it asks for. */
      gsize wanted = MAX (length + space, LEAST_SIZE);

      buffer->size = MAX (wanted, MIN (2 * buffer->size, wanted + 64 * 1024));
      buffer->data = g_realloc (buffer->data, buffer->size);
    }
}

void
kv_http_buffer_append (KvHttpBuffer *buffer, const char *data, gsize length)
{
  if (length == 0)
    return;
  kv_http_buffer_reserve (buffer, length);
  memcpy (buffer->data + buffer->end, data, length);
  buffer->end += length;
}

void
kv_http_buffer_consume (KvHttpBuffer *buffer, gsize length)
{
  g_assert (length <= kv_http_buffer_length (buffer));

  buffer->start += length;
  if (buffer->start == buffer->end)
    buffer->start = buffer->end = 0;
}

void
kv_http_buffer_cut (KvHttpBuffer *buffer, gsize position, gsize length)
{
  char *hole = kv_http_buffer_peek (buffer) + position;

  g_assert (position + length <= kv_http_buffer_length (buffer));

  if (length == 0)
    return;
  memmove (hole, hole + length, kv_http_buffer_length (buffer) - position - length);
  buffer->end -= length;
}

void
kv_http_buffer_clear (KvHttpBuffer *buffer)
{
  g_clear_pointer (&buffer->data, g_free);
  buffer->start = buffer->end = buffer->size = 0;
}
