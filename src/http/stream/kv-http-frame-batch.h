/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define KV_HTTP_FRAME_BATCH_MAX 16

/**
 * KvHttpFrameBatch:
 * @n_frames: how many there are
 * @offset: bytes of the first one that have been sent already
 * @bytes: what is still to be sent, all in all
 * @frames: (owned): them, in order
 *
 * The next frames for one socket, which leave with one system call where it takes them. A zeroed one is empty, and an empty
 * one owns nothing.
 */
typedef struct {
  guint n_frames;
  gsize offset;
  gsize bytes;
  GBytes *frames[KV_HTTP_FRAME_BATCH_MAX];
} KvHttpFrameBatch;

/**
 * kv_http_frame_batch_has_room:
 *
 * Returns: whether another frame may be added: not to as many as there are places, nor to some 64 KiB
 */
gboolean kv_http_frame_batch_has_room (const KvHttpFrameBatch *batch);

/**
 * kv_http_frame_batch_add:
 * @frame: (transfer full): to be sent last
 *
 * There must be room.
 */
void kv_http_frame_batch_add (KvHttpFrameBatch *batch, GBytes *frame);

/**
 * kv_http_frame_batch_send:
 * @batch: not empty
 * @fd: a stream socket
 *
 * Sends what the socket takes without waiting, and drops that.
 *
 * Returns: how many bytes were sent, or -1 with errno set
 */
gssize kv_http_frame_batch_send (KvHttpFrameBatch *batch, int fd);

/**
 * kv_http_frame_batch_clear:
 *
 * Drops all frames.
 */
void kv_http_frame_batch_clear (KvHttpFrameBatch *batch);

G_END_DECLS
