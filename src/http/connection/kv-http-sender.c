/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* How responses leave: what is held back of them, and one long body behind that. A response is
 * held back until there is nothing more to read, so that those of pipelined requests share a system
 * call. */

#include "http/connection/kv-http-connection-private.h"
#include "http/kv-http-socket-io.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* What kv_http_connection_write() gathers before it sends: what the memory that is lent holds. */
#define GATHERED (16 * 1024)

/* A body up to this is copied behind its head: dearer to point at than to copy. */
#define COPIED_BODY (8 * 1024)

static void
block (KvHttpConnection *connection)
{
  connection->blocked = TRUE;
  kv_http_connection_watch (connection, connection->item.events | EPOLLOUT);
  kv_http_connection_set_deadline (connection, connection->pool->context->limits->body_timeout);
}

static gssize
send_vectors (int fd, const struct iovec *vectors, gsize length)
{
  return length == 1 ? kv_http_send (fd, vectors[0].iov_base, vectors[0].iov_len)
                     : kv_http_send_vectors (fd, vectors, length);
}

/* Sends what is held back, and @body behind it. Returns how many bytes of both were sent, or -1
 * with @connection blocked or broken. */
static gssize
transmit (KvHttpConnection *connection, KvHttpSpan body)
{
  const struct iovec vectors[2] = {
    { kv_http_buffer_peek (&connection->out), kv_http_buffer_length (&connection->out) },
    { (gpointer) body.data, body.length },
  };
  guint first = vectors[0].iov_len > 0 ? 0 : 1;
  guint end = vectors[1].iov_len > 0 ? 2 : 1;
  gssize sent;

  do
    sent = send_vectors (connection->fd, vectors + first, end - first);
  while (sent < 0 && errno == EINTR);

  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    block (connection);
  else if (sent < 0)
    kv_http_connection_break (connection);
  return sent;
}

gssize
kv_http_connection_write (KvHttpConnection *connection, const char *data, gsize length)
{
  gsize held = kv_http_buffer_length (&connection->out);
  gssize sent;

  if (connection->broken)
    return -1;
  if (connection->blocked)
    return 0;
  if (held + length <= GATHERED)
    {
      kv_http_pool_lend_memory (connection->pool, &connection->out);
      kv_http_buffer_append (&connection->out, data, length);
      return (gssize) length;
    }

  sent = transmit (connection, (KvHttpSpan){ data, length });
  if (sent < 0)
    return connection->broken ? -1 : 0;
  kv_http_buffer_consume (&connection->out, MIN ((gsize) sent, held));
  if ((gsize) sent <= held)
    {
      block (connection);
      return 0;
    }
  return sent - (gssize) held;
}

static void
drop_tail (KvHttpTail *tail)
{
  g_clear_pointer (&tail->entry, kv_entry_unref);
  g_clear_pointer (&tail->blob, g_bytes_unref);
  tail->bytes = (KvHttpSpan){ NULL, 0 };
}

void
kv_http_connection_flush (KvHttpConnection *connection)
{
  KvHttpTail *tail = &connection->tail;

  while (!connection->blocked && !connection->broken && kv_http_connection_has_output (connection))
    {
      gsize held = kv_http_buffer_length (&connection->out);
      gssize sent = transmit (connection, tail->bytes);
      gsize of_tail;

      if (sent < 0)
        return;
      kv_http_buffer_consume (&connection->out, MIN ((gsize) sent, held));
      of_tail = (gsize) sent - MIN ((gsize) sent, held);
      if (of_tail == tail->bytes.length)
        drop_tail (tail);
      else
        tail->bytes = (KvHttpSpan){ tail->bytes.data + of_tail, tail->bytes.length - of_tail };
    }
}

void
kv_http_connection_drop_output (KvHttpConnection *connection)
{
  drop_tail (&connection->tail);
  kv_http_buffer_clear (&connection->out);
}

gboolean
kv_http_connection_has_output (const KvHttpConnection *connection)
{
  return kv_http_buffer_length (&connection->out) > 0 || connection->tail.bytes.length > 0;
}

gboolean
kv_http_connection_is_writable (KvHttpConnection *connection)
{
  return !connection->blocked;
}

void
kv_http_connection_respond (KvHttpConnection *connection, KvHttpConnectionField field)
{
  KvHttpExchange *exchange = &connection->request->exchange;
  KvHttpResponse *response = &exchange->response;
  KvHttpSpan body = kv_http_wire_get_body (response);

  gboolean without_body = exchange->method == KV_HTTP_HEAD;
  gboolean can_lend = response->body_entry != NULL || response->body_bytes != NULL;

  kv_http_pool_lend_memory (connection->pool, &connection->out);
  if (without_body || !can_lend || body.length <= COPIED_BODY
      || !kv_http_wire_may_have_body (response))
    {
      kv_http_wire_append_response (&connection->out, response, without_body, field);
      return;
    }
  kv_http_wire_append_head (&connection->out, response, body.length, field);
  connection->tail = (KvHttpTail){
    .bytes = body,
    .entry = g_steal_pointer (&response->body_entry),
    .blob = g_steal_pointer (&response->body_bytes),
  };
}
