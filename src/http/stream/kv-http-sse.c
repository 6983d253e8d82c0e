/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-sse.h"

#include "http/kv-http-meter.h"
#include "http/stream/kv-http-frame-batch.h"
#include "http/stream/kv-http-json-frame.h"
#include "http/stream/kv-http-teller.h"
#include "http/wire/kv-http-wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* How often a stream may gather before the others have their turn. */
#define MAX_ROUNDS 4

/* What the kernel may hold for a client that does not read; left alone it would grow to some
 * megabytes each. */
#define SEND_BUFFER (64 * 1024)

/* A client of an event stream has nothing more to say. A little is read over, more is abuse. */
#define MAX_RECEIVED (64 * 1024)

#define IDLE_EVENTS (EPOLLIN | EPOLLRDHUP)

/* Thousands of comments at once would keep the worker from everything else for as long as they take. So a round of them goes
 * in slices with a pause between, in which others have their turn: of so many streams, or, where there are more, in so many
 * slices. A few streams still cost one wake-up a round. */
#define SLICE_STREAMS 256
#define SLICES 64
#define SLICE_PAUSE (100 * G_TIME_SPAN_MILLISECOND)

struct _KvSseGroup {
  KvHttpTimer timer;    /* first, so that the timer is the group; armed while there are streams */
  KvHttpPoller *poller; /* (borrowed) */
  const KvHttpLimits *limits; /* (borrowed) */
  KvHttpMeter *meter;         /* (borrowed) (nullable) */
  KvHttpFrameCache
    *caches[KV_HTTP_N_FRAME_SHAPES]; /* (owned) (nullable) each: made when a stream needs it */
  GQueue streams;     /* of KvSseStream, by their links: those that a round has passed come last */
  guint round;        /* of keep-alive comments */
  gint64 round_began; /* by the monotonic clock */
  gboolean in_round;  /* whether a slice of it is still to come */
};

/* What thousands of idle streams are made of. What each change touches comes first. */
typedef struct {
  KvHttpPollerItem item; /* first, so that the item is the stream */
  KvSseGroup *group;     /* (borrowed) */
  KvWatch *watch;        /* (owned) */
  KvHttpTeller teller;
  KvHttpFrameBatch *waiting; /* (owned) (nullable): what the socket has not taken yet */
  KvStore *store;            /* (borrowed) */
  gboolean begun; /* whether the head has been sent, with the first frames right behind it */

  guint received;       /* bytes that have been read over */
  gint64 waiting_since; /* when the socket last took something, by the monotonic clock */
  guint round;          /* of comments: the last one that has passed it */
  GList link;           /* in the group's streams */
  KvHttpSocket socket;  /* (owned) */
} KvSseStream;

typedef enum {
  TAKEN,
  FULL,
  BROKEN,
} Flushed;

static void
drop_waiting (KvSseStream *stream)
{
  if (stream->waiting == NULL)
    return;
  kv_http_frame_batch_clear (stream->waiting);
  g_clear_pointer (&stream->waiting, g_free);
}

static void
count_streams (KvSseGroup *group)
{
  if (group->meter != NULL)
    __atomic_store_n (&group->meter->streams, group->streams.length, __ATOMIC_RELAXED);
}

/* @frame is what was made of it. */
static void
count_event (KvSseGroup *group, KvWatchEventType type, const GBytes *frame)
{
  if (group->meter == NULL)
    return;
  if (G_UNLIKELY (type == KV_WATCH_RESET))
    kv_counter_raise (&group->meter->resets, 1);
  else if (frame != NULL && type != KV_WATCH_SNAPSHOT_END)
    kv_counter_raise (&group->meter->events, 1);
}

static void
clear_caches (KvSseGroup *group)
{
  for (guint i = 0; i < KV_HTTP_N_FRAME_SHAPES; i++)
    if (group->caches[i] != NULL)
      kv_http_frame_cache_clear (group->caches[i]);
}

static void
close_stream (KvSseStream *stream)
{
  KvSseGroup *group = stream->group;

  kv_http_poller_remove (group->poller, &stream->item);
  kv_watch_free (stream->watch);
  drop_waiting (stream);
  g_clear_pointer (&stream->socket.unsent, g_bytes_unref);
  g_queue_unlink (&group->streams, &stream->link);
  count_streams (group);
  if (group->streams.length == 0)
    {
      group->in_round = FALSE;
      kv_http_poller_clear_timer (group->poller, &group->timer);
      clear_caches (group);
    }
  stream->socket.close (stream->socket.owner);
  g_free (stream);
}

static GBytes *
make_head (KvHttpFrameShape shape)
{
  char *head = g_strconcat ("HTTP/1.1 200 OK\r\n"
                            "Date: ",
                            kv_http_wire_get_date (),
                            "\r\n"
                            "Content-Type: text/event-stream\r\n"
                            "Cache-Control: no-store\r\n"
                            "X-Content-Type-Options: nosniff\r\n"
                            "Connection: close\r\n"
                            "\r\n",
                            shape != KV_HTTP_FRAME_LINES ? KV_HTTP_JSON_FRAME_RETRY : NULL, NULL);
  return g_bytes_new_take (head, strlen (head));
}

/* The watch has nothing more to give. Returns whether it has to be looked at again all the same. */
static gboolean
rest (KvSseStream *stream, KvHttpFrameBatch *batch)
{
  GBytes *frame;

  if (G_LIKELY (stream->teller.settling == 0))
    return FALSE;
  frame = kv_http_teller_settle (&stream->teller, stream->watch);
  if (frame != NULL)
    kv_http_frame_batch_add (batch, frame);
  return frame == NULL;
}

/* Takes the next frames out of the watch. Returns FALSE when there are no more of them now. */
static gboolean
gather (KvSseStream *stream, KvHttpFrameBatch *batch)
{
  if (!stream->begun)
    {
      if (stream->socket.unsent != NULL)
        kv_http_frame_batch_add (batch, g_steal_pointer (&stream->socket.unsent));
      kv_http_frame_batch_add (batch, make_head (stream->teller.shape));
      stream->begun = TRUE;
    }

  while (kv_http_frame_batch_has_room (batch))
    {
      g_auto (KvWatchEvent) event = { 0 };
      GBytes *frame;

      if (!kv_watch_next (stream->watch, &event))
        return rest (stream, batch);
      frame = kv_http_teller_tell (&stream->teller, stream->store, &event);
      count_event (stream->group, event.type, frame);
      if (frame != NULL)
        kv_http_frame_batch_add (batch, frame);
    }
  return TRUE;
}

/* Gives the socket a batch, or what waits for it where there is some, as far as it takes it now. */
static Flushed
flush (KvSseStream *stream, KvHttpFrameBatch *batch)
{
  gssize sent;

  if (batch->n_frames == 0)
    return TAKEN;
  sent = kv_http_frame_batch_send (batch, stream->socket.fd);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    {
      kv_http_frame_batch_clear (batch);
      return BROKEN;
    }
  if (batch->n_frames == 0)
    return TAKEN;
  if (sent > 0 || stream->waiting == NULL)
    stream->waiting_since = g_get_monotonic_time ();
  if (stream->waiting == NULL)
    stream->waiting = g_memdup2 (batch, sizeof *batch);
  return FULL;
}

/* Moves frames from the watch to the socket, until there are none, or the socket is full, or it has done so often enough. What
 * the socket does not take stays in the stream. */
static Flushed
pump (KvSseStream *stream, gboolean *more)
{
  Flushed flushed = TAKEN;

  *more = TRUE;
  if (stream->waiting != NULL)
    {
      flushed = flush (stream, stream->waiting);
      if (flushed == TAKEN)
        drop_waiting (stream);
    }
  for (guint round = 0; *more && flushed == TAKEN && round < MAX_ROUNDS; round++)
    {
      KvHttpFrameBatch batch;

      batch.n_frames = 0;
      batch.offset = 0;
      batch.bytes = 0;
      *more = gather (stream, &batch);
      flushed = flush (stream, &batch);
    }
  return flushed;
}

/* May free the stream. */
static void
run_stream (KvSseStream *stream)
{
  gboolean more;
  Flushed flushed = pump (stream, &more);

  if (flushed == BROKEN)
    close_stream (stream);
  else
    kv_http_poller_modify (stream->group->poller, &stream->item,
                           flushed == FULL || more ? IDLE_EVENTS | EPOLLOUT : IDLE_EVENTS);
}

static void
on_watch (KvWatch *watch, gpointer user_data)
{
  KvSseStream *stream = user_data;

  /* One that waits for its socket reads on by itself. */
  if (stream->waiting == NULL)
    run_stream (stream);
}

/* Returns FALSE when the client has left, or says too much. */
static gboolean
read_over (KvSseStream *stream)
{
  char buffer[4096];
  gssize n = recv (stream->socket.fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  stream->received += (guint) n;
  return n > 0 && stream->received <= MAX_RECEIVED;
}

/* A client that has closed its half of the connection counts as one that left: there is no telling
 * the two apart, and no client of event streams does it. */
static void
on_ready (KvHttpPollerItem *item, guint32 events)
{
  KvSseStream *stream = (KvSseStream *) item;

  if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0
      || ((events & EPOLLIN) != 0 && !read_over (stream)))
    close_stream (stream);
  else if ((events & EPOLLOUT) != 0)
    run_stream (stream);
}

/* May free the stream. */
static void
keep_alive (KvSseStream *stream, gint64 now)
{
  KvHttpFrameBatch batch = { 0 };

  if (stream->waiting != NULL)
    {
      if (now - stream->waiting_since > stream->group->limits->body_timeout)
        close_stream (stream);
      return;
    }
  if (!stream->begun)
    return;
  kv_http_frame_batch_add (&batch, kv_http_teller_keep_alive (&stream->teller, stream->watch));
  switch (flush (stream, &batch))
    {
    case BROKEN:
      close_stream (stream);
      break;
    case FULL:
      kv_http_poller_modify (stream->group->poller, &stream->item, IDLE_EVENTS | EPOLLOUT);
      break;
    case TAKEN:
      break;
    }
}

/* A slice of the round. Returns whether there is more of it to come. */
static gboolean
keep_some_alive (KvSseGroup *group, gint64 now)
{
  guint left = MAX (SLICE_STREAMS, group->streams.length / SLICES);
  KvSseStream *stream;

  while (group->streams.length > 0)
    {
      stream = group->streams.head->data;
      if (stream->round == group->round)
        return FALSE;
      if (left-- == 0)
        return TRUE;
      stream->round = group->round;
      g_queue_unlink (&group->streams, &stream->link);
      g_queue_push_tail_link (&group->streams, &stream->link);
      keep_alive (stream, now);
    }
  return FALSE;
}

static void
on_timer (KvHttpTimer *timer)
{
  KvSseGroup *group = (KvSseGroup *) timer;
  gint64 now = g_get_monotonic_time ();
  gint64 delay = SLICE_PAUSE;

  if (!group->in_round)
    {
      group->round++;
      group->round_began = now;
      clear_caches (group);
    }
  group->in_round = keep_some_alive (group, now);
  if (!group->in_round)
    delay = MAX (group->round_began + group->limits->keep_alive_interval - now, 0);
  if (group->streams.length > 0)
    kv_http_poller_set_timer (group->poller, &group->timer, delay);
}

/* Frames are small and written whole, so there is nothing for Nagle's algorithm to wait for.
 * Neither call matters enough to fail for, and the second does fail on a Unix socket. */
static void
tune_socket (int fd)
{
  const int size = SEND_BUFFER;
  const int one = 1;

  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

KvSseGroup *
kv_sse_group_new (KvHttpPoller *poller, const KvHttpLimits *limits)
{
  KvSseGroup *group = g_new0 (KvSseGroup, 1);

  group->timer.func = on_timer;
  group->poller = poller;
  group->limits = limits;
  g_queue_init (&group->streams);
  return group;
}

void
kv_sse_group_set_meter (KvSseGroup *group, KvHttpMeter *meter)
{
  group->meter = meter;
}

/* Returns FALSE, without a watch, on an error. */
static gboolean
begin_to_watch (KvSseStream *stream, KvStore *store, const KvSseRequest *request, GError **error)
{
  stream->store = store;
  stream->watch =
    kv_watch_new (store, request->keys, request->prefixes, request->since, on_watch, stream, error);
  if (stream->watch == NULL)
    return FALSE;
  if (kv_watch_resumes (stream->watch))
    stream->teller.told = request->since;
  else if (request->must_resume)
    {
      g_clear_pointer (&stream->watch, kv_watch_free);
      g_set_error_literal (error, KV_ERROR, KV_ERROR_OUT_OF_REACH,
                           "The changes after that revision are not to be had");
      return FALSE;
    }
  return TRUE;
}

static KvHttpFrameCache *
get_cache (KvSseGroup *group, KvHttpFrameShape shape)
{
  if (group->caches[shape] == NULL)
    group->caches[shape] = kv_http_frame_cache_new (shape);
  return group->caches[shape];
}

gboolean
kv_sse_group_open (KvSseGroup *group,
                   KvHttpExchange *exchange,
                   const KvSseRequest *request,
                   GError **error)
{
  KvSseStream *stream = g_new0 (KvSseStream, 1);

  if (!begin_to_watch (stream, exchange->context->store, request, error))
    {
      g_free (stream);
      return FALSE;
    }
  stream->teller.shape = request->shape;
  stream->teller.cache = get_cache (group, request->shape);
  exchange->carrier->take_socket (exchange, &stream->socket);
  tune_socket (stream->socket.fd);
  stream->item.func = on_ready;
  stream->group = group;
  stream->link.data = stream;
  stream->round = group->round;
  if (group->streams.length == 0)
    kv_http_poller_set_timer (group->poller, &group->timer, group->limits->keep_alive_interval);
  g_queue_push_tail_link (&group->streams, &stream->link);
  count_streams (group);

  /* It begins when the watch calls, in a turn of its own: the carrier is still in the middle of the exchange. */
  if (!kv_http_poller_add (group->poller, &stream->item, stream->socket.fd, IDLE_EVENTS))
    close_stream (stream);
  return TRUE;
}

/* What the client takes now of what it has not seen yet. What it sent in between is read first:
 * closing over it would reset the connection, and with it what is on its way. */
static void
end_stream (KvSseStream *stream)
{
  gboolean more;

  pump (stream, &more);
  read_over (stream);
  close_stream (stream);
}

void
kv_sse_group_close_all (KvSseGroup *group)
{
  while (group->streams.head != NULL)
    end_stream (group->streams.head->data);
}

void
kv_sse_group_free (KvSseGroup *group)
{
  kv_sse_group_close_all (group);
  for (guint i = 0; i < KV_HTTP_N_FRAME_SHAPES; i++)
    g_clear_pointer (&group->caches[i], kv_http_frame_cache_free);
  g_free (group);
}
