/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/stream/kv-http-dump.h"

#include "http/kv-http-socket-io.h"
#include "http/wire/kv-http-wire.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* What is made at a time, and how often before the others of the worker have their turn. */
#define PIECE (64 * 1024)
#define MAX_ROUNDS 4

/* What the kernel may hold for a client. It would let that grow to some megabytes. */
#define SEND_BUFFER (256 * 1024)

/* What a long value has made of the memory for a piece is given back. */
#define MAX_KEPT (4 * PIECE)

/* Room for a chunk's size before its bytes: eight digits and the line end. */
#define CHUNK_HEAD 10

struct _KvHttpDumpGroup {
  KvHttpPoller *poller;       /* (borrowed) */
  const KvHttpLimits *limits; /* (borrowed) */
  GQueue dumps;               /* of Dump, by their links */
};

typedef struct {
  KvHttpPollerItem item; /* first, so that the item is the dump */
  KvHttpTimer timer;
  KvHttpDumpGroup *group; /* (borrowed) */
  GList link;             /* in the group's dumps */
  KvHttpSocket socket;    /* (owned) */
  KvDumpWriter *writer;   /* (owned) */
  gboolean chunked;
  gboolean more;  /* whether the writer has more */
  GString *piece; /* (owned): what is being sent */
  gsize sent;     /* bytes of it */
  gint64 taken;   /* when the socket last took something, by the monotonic clock */
} Dump;

typedef enum {
  SENT,
  FULL,
  BROKEN,
} Progress;

static void
close_dump (Dump *dump)
{
  KvHttpDumpGroup *group = dump->group;

  kv_http_poller_remove (group->poller, &dump->item);
  kv_http_poller_clear_timer (group->poller, &dump->timer);
  kv_dump_writer_free (dump->writer);
  g_string_free (dump->piece, TRUE);
  g_clear_pointer (&dump->socket.unsent, g_bytes_unref);
  g_queue_unlink (&group->dumps, &dump->link);
  dump->socket.close (dump->socket.owner);
  g_free (dump);
}

static void
make_room (Dump *dump)
{
  if (dump->piece->allocated_len > MAX_KEPT)
    {
      g_string_free (dump->piece, TRUE);
      dump->piece = g_string_sized_new (PIECE + PIECE / 4);
    }
  g_string_truncate (dump->piece, 0);
  dump->sent = 0;
}

/* Writes the size of a chunk into the room left for it. Returns how much of that it did not need. */
static gsize
put_chunk_head (char *room, gsize length)
{
  char text[CHUNK_HEAD + 1];
  gsize size = (gsize) g_snprintf (text, sizeof text, "%x\r\n", (guint) length);

  memcpy (room + CHUNK_HEAD - size, text, size);
  return CHUNK_HEAD - size;
}

/* A piece is one chunk; the last has the last chunk with it, which tells that nothing is missing. */
static void
make_piece (Dump *dump)
{
  GString *piece;

  make_room (dump);
  piece = dump->piece;
  if (!dump->chunked)
    {
      dump->more = kv_dump_writer_write (dump->writer, piece, PIECE);
      return;
    }
  g_string_set_size (piece, CHUNK_HEAD);
  dump->more = kv_dump_writer_write (dump->writer, piece, PIECE);
  dump->sent = put_chunk_head (piece->str, piece->len - CHUNK_HEAD);
  g_string_append (piece, dump->more ? "\r\n" : "\r\n0\r\n\r\n");
}

static Progress
send_piece (Dump *dump)
{
  while (dump->sent < dump->piece->len)
    {
      gssize n = kv_http_send (dump->socket.fd, dump->piece->str + dump->sent,
                               dump->piece->len - dump->sent);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? FULL : BROKEN;
      dump->sent += (gsize) n;
      dump->taken = kv_http_poller_now (dump->group->poller);
    }
  return SENT;
}

/* What the client has sent in between is read first: closing over it would reset the connection, and with it what is on
 * its way. */
static void
end_dump (Dump *dump)
{
  char buffer[4096];

  while (kv_http_recv (dump->socket.fd, buffer, sizeof buffer) == (gssize) sizeof buffer)
    ;
  close_dump (dump);
}

/* The socket tells each turn whether it takes something, so that one that takes all that it is given comes again after the
 * others. */
static void
on_ready (KvHttpPollerItem *item, guint32 events)
{
  Dump *dump = (Dump *) item;
  Progress progress = send_piece (dump);

  for (guint round = 0; progress == SENT && dump->more && round < MAX_ROUNDS; round++)
    {
      make_piece (dump);
      progress = send_piece (dump);
    }
  if (progress == BROKEN)
    close_dump (dump);
  else if (progress == SENT && !dump->more)
    end_dump (dump);
}

static void
on_timer (KvHttpTimer *timer)
{
  Dump *dump = (gpointer) ((char *) timer - G_STRUCT_OFFSET (Dump, timer));
  KvHttpDumpGroup *group = dump->group;
  gint64 left = dump->taken + group->limits->body_timeout - kv_http_poller_now (group->poller);

  if (left > 0)
    kv_http_poller_set_timer (group->poller, timer, left);
  else
    close_dump (dump);
}

/* The head, behind what earlier requests were answered with. */
static void
begin_with_head (Dump *dump, const KvHttpBuffer *head)
{
  if (dump->socket.unsent != NULL)
    {
      gsize length;
      const char *unsent = g_bytes_get_data (dump->socket.unsent, &length);

      g_string_append_len (dump->piece, unsent, (gssize) length);
    }
  g_string_append_len (dump->piece, kv_http_buffer_peek (head),
                       (gssize) kv_http_buffer_length (head));
}

KvHttpDumpGroup *
kv_http_dump_group_new (KvHttpPoller *poller, const KvHttpLimits *limits)
{
  KvHttpDumpGroup *group = g_new0 (KvHttpDumpGroup, 1);

  group->poller = poller;
  group->limits = limits;
  g_queue_init (&group->dumps);
  return group;
}

void
kv_http_dump_group_open (KvHttpDumpGroup *group, KvHttpExchange *exchange, KvDumpWriter *writer)
{
  Dump *dump = g_new0 (Dump, 1);
  KvHttpBuffer head = { 0 };
  const int size = SEND_BUFFER;

  dump->chunked = exchange->minor_version > 0;
  exchange->response.status = 200;
  exchange->response.endless = TRUE;
  if (dump->chunked)
    kv_http_exchange_add_header (exchange, "Transfer-Encoding", "chunked");
  kv_http_wire_append_head (&head, &exchange->response, 0, KV_HTTP_CONNECTION_CLOSE);

  dump->item.func = on_ready;
  dump->timer.func = on_timer;
  dump->group = group;
  dump->link.data = dump;
  dump->writer = writer;
  dump->more = TRUE;
  dump->piece = g_string_sized_new (PIECE + PIECE / 4);
  dump->taken = kv_http_poller_now (group->poller);
  exchange->carrier->take_socket (exchange, &dump->socket);
  begin_with_head (dump, &head);
  kv_http_buffer_clear (&head);
  g_queue_push_tail_link (&group->dumps, &dump->link);

  /* That it could not be set is no reason to fail. */
  setsockopt (dump->socket.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  kv_http_poller_set_timer (group->poller, &dump->timer, group->limits->body_timeout);
  /* It begins in a turn of its own: the carrier is still in the middle of the exchange. */
  if (!kv_http_poller_add (group->poller, &dump->item, dump->socket.fd, EPOLLOUT))
    close_dump (dump);
}

void
kv_http_dump_group_free (KvHttpDumpGroup *group)
{
  while (group->dumps.head != NULL)
    close_dump (group->dumps.head->data);
  g_free (group);
}
