/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#define G_LOG_DOMAIN "kvstore"

#include "http/soup/kv-soup-lane.h"

#include "http/soup/kv-soup-stream.h"

#include <libsoup/soup.h>
#include <sys/socket.h>
#include <unistd.h>

struct _KvSoupLane {
  GMainContext *context;   /* (owned) */
  SoupServer *server;      /* (owned) (nullable): from the first request on */
  GSocketAddress *address; /* (owned): libsoup wants to see one; it is shown to nobody */
  int peer;                /* (owned): the other end of the server's listener, or -1 */
  GMainContext *nowhere;   /* (owned) (nullable): where the listener lives: nobody runs it */

  KvHttpConnection *reading; /* (borrowed) (nullable): whose request libsoup is reading just now */
  KvHttpConnection *running; /* (borrowed) (nullable): whose route is running just now */
};

/* What is kept for a connection from one request to the next: libsoup's objects cost as much to
 * make as a request to answer. */
typedef struct {
  KvSoupStream *stream; /* (owned) */
  SoupServerMessage
    *message;        /* (owned) (nullable): of the last request: leads to libsoup's connection */
  gboolean busy;     /* libsoup has a request */
  gboolean answered; /* the route is done with it */
  gboolean inside;   /* libsoup is calling, and would not bear that its connection goes away */
} Session;

static KvSoupLane *
get_lane (KvHttpConnection *connection)
{
  return kv_http_connection_get_pool (connection)->lane_data;
}

static void
session_free (Session *session)
{
  g_object_unref (session->stream);
  g_clear_object (&session->message);
  g_free (session);
}

/* Takes libsoup's connection away from it. It would never end by itself: a client that leaves
 * between two requests is not noticed by libsoup. */
static void
end_session (gpointer user_data)
{
  Session *session = user_data;
  GIOStream *stolen = NULL;

  if (session->message != NULL)
    stolen = soup_server_message_steal_connection (session->message);
  g_clear_object (&stolen);
  session_free (session);
}

static gboolean
once (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

static void
end_session_later (KvSoupLane *lane, Session *session)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  /* Ended by the source's own end, which comes also when the loop does not run any more. */
  g_source_set_callback (source, once, session, end_session);
  g_source_attach (source, lane->context);
}

static void
release (KvHttpConnection *connection)
{
  Session *session = kv_http_connection_get_lane_data (connection);

  if (session == NULL)
    return;
  kv_http_connection_set_lane_data (connection, NULL);
  kv_soup_stream_detach (session->stream);
  if (session->inside)
    end_session_later (get_lane (connection), session);
  else
    end_session (session);
}

static void
on_reading (KvHttpConnection *connection)
{
  get_lane (connection)->reading = connection;
}

static void
on_finished (KvHttpConnection *connection)
{
  Session *session = kv_http_connection_get_lane_data (connection);

  session->busy = FALSE;
  session->inside = TRUE;
  /* The connection may be gone after this; the session is ended later at the earliest. */
  kv_http_connection_finish (connection, TRUE);
  session->inside = FALSE;
}

static void
on_closed (KvHttpConnection *connection, gboolean whole)
{
  Session *session = kv_http_connection_get_lane_data (connection);
  gboolean busy = session->busy;

  kv_http_connection_set_lane_data (connection, NULL);
  session_free (session);
  if (busy)
    kv_http_connection_finish (connection, whole);
}

static Session *
begin_session (KvHttpConnection *connection)
{
  static const KvSoupStreamFuncs funcs = {
    .reading = on_reading,
    .finished = on_finished,
    .closed = on_closed,
  };
  Session *session = g_new0 (Session, 1);

  session->stream = kv_soup_stream_new (connection, &funcs);
  kv_http_connection_set_lane_data (connection, session);
  return session;
}

/* What libsoup gets to read. It is not what the client sent: that has been read and judged by
 * the gate, and two readers of one head may come to two opinions. Path, headers and body go to
 * the routes by the exchange alone. */
static const char *
get_head (KvHttpMethod method)
{
  switch (method)
    {
    case KV_HTTP_GET:
      return "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_HEAD:
      return "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_PUT:
      return "PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_POST:
      return "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_DELETE:
      return "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_OPTIONS:
      return "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    case KV_HTTP_OTHER:
      break;
    }
  g_assert_not_reached ();
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  KvSoupLane *lane = user_data;
  KvHttpConnection *connection = g_steal_pointer (&lane->reading);
  Session *session = kv_http_connection_get_lane_data (connection);

  g_set_object (&session->message, message);
  lane->running = connection;
  kv_http_exchange_dispatch (kv_http_connection_get_exchange (connection));
  /* Its socket was taken: the session is gone, and so may be the connection. */
  if (lane->running == NULL)
    return;
  lane->running = NULL;
  if (!session->answered)
    soup_server_message_pause (message);
}

/* What became ready of a stream is found when the context is asked again. */
static void
wake (KvHttpConnection *connection)
{
  g_main_context_wakeup (get_lane (connection)->context);
}

/* A SoupServer keeps connections alive only while it has a listener. This one hears nothing, as
 * nobody speaks at its other end; so it lives in a context that nobody runs, and no turn of the
 * worker's has to poll it. Without it each request has a session of its own, which is slower. */
static void
add_listener (KvSoupLane *lane)
{
  int pair[2];
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GError) error = NULL;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
    return;
  lane->peer = pair[1];
  socket = g_socket_new_from_fd (pair[0], &error);
  if (socket == NULL)
    close (pair[0]);
  else
    {
      lane->nowhere = g_main_context_new ();
      g_main_context_push_thread_default (lane->nowhere);
      soup_server_listen_socket (lane->server, socket, 0, &error);
      g_main_context_pop_thread_default (lane->nowhere);
    }
  if (error == NULL)
    return;
  g_info ("libsoup will not keep connections alive: %s", error->message);
}

/* Not before it is needed: where the express lane takes every request, libsoup costs nothing. */
static void
start_server (KvSoupLane *lane)
{
  lane->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (lane->server, NULL, on_request, lane, NULL);
  add_listener (lane);
}

static void
answer (KvHttpConnection *connection)
{
  KvSoupLane *lane = get_lane (connection);
  Session *session = kv_http_connection_get_lane_data (connection);
  gboolean is_new = session == NULL;
  g_autoptr (GIOStream) stream = NULL;

  if (is_new)
    session = begin_session (connection);
  session->busy = TRUE;
  session->answered = FALSE;
  kv_soup_stream_feed (session->stream,
                       get_head (kv_http_connection_get_exchange (connection)->method));
  if (!is_new)
    {
      wake (connection);
      return;
    }

  if (lane->server == NULL)
    start_server (lane);
  /* Reads the request at once; the session may be over when this returns. */
  stream = G_IO_STREAM (g_object_ref (session->stream));
  soup_server_accept_iostream (lane->server, stream, lane->address, lane->address, NULL);
}

static GBytes *
steal_body (KvHttpResponse *response)
{
  KvHttpSpan body = kv_http_wire_get_body (response);

  if (body.length == 0)
    return NULL;
  if (response->body_entry != NULL)
    return g_bytes_new_with_free_func (body.data, body.length, (GDestroyNotify) kv_entry_unref,
                                       g_steal_pointer (&response->body_entry));
  if (response->body_bytes != NULL)
    return g_steal_pointer (&response->body_bytes);
  /* The text may lie in the exchange's scratch space. */
  return g_bytes_new (body.data, body.length);
}

static void
fill_in (SoupServerMessage *message, KvHttpResponse *response, KvHttpConnectionField connection)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  const char *value = kv_http_wire_get_connection (connection);
  g_autoptr (GBytes) body = steal_body (response);

  soup_server_message_set_status (message, response->status,
                                  kv_http_wire_get_phrase (response->status));
  for (guint i = 0; i < response->n_headers; i++)
    soup_message_headers_append (headers, response->headers[i].name, response->headers[i].value);
  if (value != NULL)
    soup_message_headers_append (headers, "Connection", value);
  /* A length would be that of another response (RFC 9110, section 8.6); libsoup would write 0. */
  if (response->status == SOUP_STATUS_NOT_MODIFIED || response->endless)
    soup_message_headers_set_encoding (headers, SOUP_ENCODING_NONE);
  else if (body != NULL)
    soup_message_body_append_bytes (soup_server_message_get_response_body (message), body);
}

static void
send_response (KvHttpExchange *exchange)
{
  KvHttpConnection *connection = kv_http_connection_from_exchange (exchange);
  Session *session = kv_http_connection_get_lane_data (connection);

  session->answered = TRUE;
  fill_in (session->message, &exchange->response, kv_http_connection_settle (connection));
  kv_http_exchange_clear (exchange);
  if (get_lane (connection)->running != connection)
    soup_server_message_unpause (session->message);
}

static void
take_socket (KvHttpExchange *exchange, KvHttpSocket *socket)
{
  KvHttpConnection *connection = kv_http_connection_from_exchange (exchange);
  Session *session = kv_http_connection_get_lane_data (connection);
  KvSoupLane *lane = get_lane (connection);

  if (lane->running == connection)
    lane->running = NULL;
  kv_http_connection_set_lane_data (connection, NULL);
  kv_soup_stream_detach (session->stream);
  end_session (session);
  kv_http_connection_take_socket (connection, socket);
}

static const KvHttpCarrier carrier = {
  .get_header = kv_http_connection_get_header,
  .send = send_response,
  .take_socket = take_socket,
  .resume_body = kv_http_connection_resume_body,
};

const KvHttpLane *
kv_soup_lane_get_functions (void)
{
  static const KvHttpLane functions = {
    .carrier = &carrier,
    .answer = answer,
    .release = release,
    .wake = wake,
  };

  return &functions;
}

KvSoupLane *
kv_soup_lane_new (void)
{
  KvSoupLane *lane = g_new0 (KvSoupLane, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  lane->context = g_main_context_ref_thread_default ();
  lane->address = g_inet_socket_address_new (loopback, 0);
  lane->peer = -1;
  return lane;
}

void
kv_soup_lane_free (KvSoupLane *lane)
{
  if (lane->server != NULL)
    soup_server_disconnect (lane->server);
  g_clear_object (&lane->server);
  g_object_unref (lane->address);
  g_clear_pointer (&lane->nowhere, g_main_context_unref);
  g_main_context_unref (lane->context);
  if (lane->peer >= 0)
    close (lane->peer);
  g_free (lane);
}
