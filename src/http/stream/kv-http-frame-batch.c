/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-frame-batch.h"

#include "http/kv-http-socket-io.h"

#include <errno.h>
#include <string.h>

/* Enough for one system call. With the frame that goes beyond it, it is all that a slow client makes us hold. */
#define ENOUGH_BYTES (64 * 1024)

gboolean
kv_http_frame_batch_has_room (const KvHttpFrameBatch *batch)
{
  return batch->n_frames < KV_HTTP_FRAME_BATCH_MAX && batch->bytes < ENOUGH_BYTES;
}

void
kv_http_frame_batch_add (KvHttpFrameBatch *batch, GBytes *frame)
{
  batch->bytes += g_bytes_get_size (frame);
  batch->frames[batch->n_frames++] = frame;
}

static void
drop_frames (KvHttpFrameBatch *batch, guint n)
{
  for (guint i = 0; i < n; i++)
    g_bytes_unref (batch->frames[i]);
  batch->n_frames -= n;
  memmove (batch->frames, batch->frames + n, batch->n_frames * sizeof batch->frames[0]);
}

static void
consume (KvHttpFrameBatch *batch, gsize sent)
{
  guint taken = 0;

  batch->bytes -= sent;
  sent += batch->offset;
  while (taken < batch->n_frames && sent >= g_bytes_get_size (batch->frames[taken]))
    sent -= g_bytes_get_size (batch->frames[taken++]);
  batch->offset = sent;
  drop_frames (batch, taken);
}

/* The most frequent case by far, and of the two calls the cheaper one. */
static gssize
send_one (const KvHttpFrameBatch *batch, int fd)
{
  const char *data = g_bytes_get_data (batch->frames[0], NULL);

  return kv_http_send (fd, data + batch->offset, batch->bytes);
}

static gssize
send_many (const KvHttpFrameBatch *batch, int fd)
{
  struct iovec vectors[KV_HTTP_FRAME_BATCH_MAX];
  gsize skipped = batch->offset;

  for (guint i = 0; i < batch->n_frames; i++)
    {
      gsize length;
      char *data = (gpointer) g_bytes_get_data (batch->frames[i], &length);

      vectors[i] = (struct iovec){ data + skipped, length - skipped };
      skipped = 0;
    }
  return kv_http_send_vectors (fd, vectors, batch->n_frames);
}

gssize
kv_http_frame_batch_send (KvHttpFrameBatch *batch, int fd)
{
  gssize sent;

  do
    sent = batch->n_frames == 1 ? send_one (batch, fd) : send_many (batch, fd);
  while (sent < 0 && errno == EINTR);
  if (sent > 0)
    consume (batch, (gsize) sent);
  return sent;
}

void
kv_http_frame_batch_clear (KvHttpFrameBatch *batch)
{
  drop_frames (batch, batch->n_frames);
  batch->offset = 0;
  batch->bytes = 0;
}
