/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-sse.h"

#include "http/stream/kv-http-frame-cache.h"
#include "http/stream/kv-http-frame.h"
#include "http/wire/kv-http-wire.h"
#include "store/kv-watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* What a stream takes out of its watch at a time: so many frames, or a few more bytes than these.
 * It is all that a slow client makes us hold; what it has yet to see stays in the log. */
#define MAX_GATHERED 16
#define GATHERED_BYTES (64 * 1024)

/* How often a stream may gather before the others have their turn. */
#define MAX_ROUNDS 4

/* What the kernel may hold for a client that does not read; left alone it would grow to some
 * megabytes each. */
#define SEND_BUFFER (64 * 1024)

/* A client of an event stream has nothing more to say. A little is read over, more is abuse. */
#define MAX_RECEIVED (64 * 1024)

#define IDLE_EVENTS (EPOLLIN | EPOLLRDHUP)

struct _KvSseGroup {
  KvHttpTimer timer;    /* first, so that the timer is the group; armed while there are streams */
  KvHttpPoller *poller; /* (borrowed) */
  const KvHttpLimits *limits; /* (borrowed) */
  KvHttpFrameCache *cache;    /* (owned) */
  GQueue streams;             /* of KvSseStream, by their links */
};

typedef struct {
  KvHttpPollerItem item; /* first, so that the item is the stream */
  KvSseGroup *group;     /* (borrowed) */
  GList link;            /* in the group's streams */
  KvHttpSocket socket;   /* (owned) */
  KvWatch *watch;        /* (owned) */

  GBytes *frames[MAX_GATHERED]; /* (owned): what the socket is to take next */
  guint n_frames;
  gsize offset;         /* bytes of the first frame that it has taken already */
  gint64 waiting_since; /* when it last took something, by the monotonic clock; 0 if none wait */
  gsize received;       /* bytes that have been read over */
  gboolean begun;       /* whether the head has been sent, with the first frames right behind it */
} KvSseStream;

typedef enum {
  TAKEN,
  FULL,
  BROKEN,
} Flushed;

static void
drop_frames (KvSseStream *stream, guint n)
{
  for (guint i = 0; i < n; i++)
    g_bytes_unref (stream->frames[i]);
  stream->n_frames -= n;
  memmove (stream->frames, stream->frames + n, stream->n_frames * sizeof stream->frames[0]);
}

static void
close_stream (KvSseStream *stream)
{
  KvSseGroup *group = stream->group;

  kv_http_poller_remove (group->poller, &stream->item);
  kv_watch_free (stream->watch);
  drop_frames (stream, stream->n_frames);
  g_queue_unlink (&group->streams, &stream->link);
  if (group->streams.length == 0)
    {
      kv_http_poller_clear_timer (group->poller, &group->timer);
      kv_http_frame_cache_clear (group->cache);
    }
  stream->socket.close (stream->socket.owner);
  g_free (stream);
}

/* The frame of an event; NULL for those that the contract's streams do not tell. A reset needs no
 * word of its own there: the snapshot that follows it begins every key anew. */
static GBytes *
encode (KvHttpFrameCache *cache, const KvWatchEvent *event)
{
  switch (event->type)
    {
    case KV_WATCH_SNAPSHOT:
      return kv_http_frame_cache_get_snapshot (cache, event->key, event->entry);
    case KV_WATCH_CHANGE:
      return kv_http_frame_cache_get_change (cache, &event->change);
    case KV_WATCH_SNAPSHOT_END:
    case KV_WATCH_RESET:
      return NULL;
    }
  g_assert_not_reached ();
}

/* Takes the next frames out of the watch. Returns FALSE when there are no more of them now. */
static gboolean
gather (KvSseStream *stream)
{
  gsize bytes = 0;

  while (stream->n_frames < MAX_GATHERED && bytes < GATHERED_BYTES)
    {
      g_auto (KvWatchEvent) event = { 0 };
      GBytes *frame;

      if (!kv_watch_next (stream->watch, &event))
        return FALSE;
      frame = encode (stream->group->cache, &event);
      if (frame == NULL)
        continue;
      bytes += g_bytes_get_size (frame);
      stream->frames[stream->n_frames++] = frame;
    }
  return TRUE;
}

static gssize
send_frames (KvSseStream *stream)
{
  struct iovec vectors[MAX_GATHERED];
  struct msghdr message = { .msg_iov = vectors, .msg_iovlen = stream->n_frames };
  gssize sent;

  for (guint i = 0; i < stream->n_frames; i++)
    vectors[i].iov_base = (gpointer) g_bytes_get_data (stream->frames[i], &vectors[i].iov_len);
  vectors[0].iov_base = (char *) vectors[0].iov_base + stream->offset;
  vectors[0].iov_len -= stream->offset;
  do
    sent = sendmsg (stream->socket.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent;
}

static void
consume (KvSseStream *stream, gsize sent)
{
  guint taken = 0;

  sent += stream->offset;
  while (taken < stream->n_frames && sent >= g_bytes_get_size (stream->frames[taken]))
    sent -= g_bytes_get_size (stream->frames[taken++]);
  stream->offset = sent;
  drop_frames (stream, taken);
}

/* Gives the socket what has been gathered, as far as it takes it now. */
static Flushed
flush (KvSseStream *stream)
{
  gssize sent;

  if (stream->n_frames == 0)
    return TAKEN;
  sent = send_frames (stream);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    return BROKEN;
  if (sent > 0)
    consume (stream, (gsize) sent);
  if (stream->n_frames == 0)
    {
      stream->waiting_since = 0;
      return TAKEN;
    }
  if (sent > 0 || stream->waiting_since == 0)
    stream->waiting_since = g_get_monotonic_time ();
  return FULL;
}

/* Moves frames from the watch to the socket, until there are none, or the socket is full, or it is
 * the others' turn. May free the stream. */
static void
run_stream (KvSseStream *stream)
{
  KvHttpPoller *poller = stream->group->poller;
  gboolean more = TRUE;

  for (guint round = 0; more && round < MAX_ROUNDS; round++)
    {
      if (stream->n_frames == 0 || !stream->begun)
        more = gather (stream);
      stream->begun = TRUE;
      switch (flush (stream))
        {
        case BROKEN:
          close_stream (stream);
          return;
        case FULL:
          kv_http_poller_modify (poller, &stream->item, IDLE_EVENTS | EPOLLOUT);
          return;
        case TAKEN:
          break;
        }
    }
  kv_http_poller_modify (poller, &stream->item, more ? IDLE_EVENTS | EPOLLOUT : IDLE_EVENTS);
}

static void
on_watch (KvWatch *watch, gpointer user_data)
{
  KvSseStream *stream = user_data;

  /* One that waits for its socket reads on by itself. */
  if (stream->n_frames == 0)
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
  stream->received += (gsize) n;
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

static void
keep_alive (KvSseStream *stream, gint64 now)
{
  if (stream->n_frames == 0)
    {
      stream->frames[stream->n_frames++] = kv_http_frame_new_comment ();
      run_stream (stream);
    }
  else if (stream->begun && now - stream->waiting_since > stream->group->limits->body_timeout)
    close_stream (stream);
}

static void
on_timer (KvHttpTimer *timer)
{
  KvSseGroup *group = (KvSseGroup *) timer;
  gint64 now = g_get_monotonic_time ();
  GList *next;

  kv_http_frame_cache_clear (group->cache);
  for (GList *link = group->streams.head; link != NULL; link = next)
    {
      next = link->next;
      keep_alive (link->data, now);
    }
  if (group->streams.length > 0)
    kv_http_poller_set_timer (group->poller, &group->timer, group->limits->keep_alive_interval);
}

static GBytes *
make_head (void)
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
                            NULL);
  return g_bytes_new_take (head, strlen (head));
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
  group->cache = kv_http_frame_cache_new ();
  g_queue_init (&group->streams);
  return group;
}

gboolean
kv_sse_group_open (KvSseGroup *group,
                   KvHttpExchange *exchange,
                   const char *const *keys,
                   guint64 since,
                   GError **error)
{
  KvSseStream *stream = g_new0 (KvSseStream, 1);

  stream->watch =
    kv_watch_new (exchange->context->store, keys, NULL, since, on_watch, stream, error);
  if (stream->watch == NULL)
    {
      g_free (stream);
      return FALSE;
    }
  exchange->carrier->take_socket (exchange, &stream->socket);
  tune_socket (stream->socket.fd);
  stream->item.func = on_ready;
  stream->group = group;
  stream->link.data = stream;
  if (stream->socket.unsent != NULL)
    stream->frames[stream->n_frames++] = g_steal_pointer (&stream->socket.unsent);
  stream->frames[stream->n_frames++] = make_head ();
  if (group->streams.length == 0)
    kv_http_poller_set_timer (group->poller, &group->timer, group->limits->keep_alive_interval);
  g_queue_push_tail_link (&group->streams, &stream->link);

  /* It begins in a turn of its own: the carrier is still in the middle of the exchange. */
  if (!kv_http_poller_add (group->poller, &stream->item, stream->socket.fd, IDLE_EVENTS | EPOLLOUT))
    close_stream (stream);
  return TRUE;
}

/* What the client takes now of what it has not seen yet. What it sent in between is read first:
 * closing over it would reset the connection, and with it what is on its way. */
static void
end_stream (KvSseStream *stream)
{
  gboolean more = TRUE;

  for (guint round = 0; more && round < MAX_ROUNDS; round++)
    {
      if (stream->n_frames == 0)
        more = gather (stream);
      if (flush (stream) != TAKEN)
        break;
    }
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
  kv_http_frame_cache_free (group->cache);
  g_free (group);
}
