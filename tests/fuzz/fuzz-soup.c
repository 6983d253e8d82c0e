/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fuzz-soup.h"

#include "http/express/kv-express-recogniser.h"

#include <libsoup/soup.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the server's answers are, but for requests that it refuses by itself. */
#define READ_STATUS 299

/* What libsoup takes of a line that says how long a chunk is, at least. */
#define MAX_CHUNK_LINE 100

/* How libsoup reads the URI of a request. */
#define URI_FLAGS                                                                                  \
  (G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY                 \
   | G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_SCHEME_NORMALIZE)

typedef struct {
  char *method;  /* (owned) */
  GUri *uri;     /* (owned) */
  GString *body; /* (owned) */
} FuzzSoupRequest;

static void
soup_request_free (gpointer data)
{
  FuzzSoupRequest *request = data;

  g_free (request->method);
  g_uri_unref (request->uri);
  g_string_free (request->body, TRUE);
  g_free (request);
}

static void
on_request_read (SoupServer *server, SoupServerMessage *message, gpointer user_data)
{
  FuzzSoup *soup = user_data;
  FuzzSoupRequest *request = g_new0 (FuzzSoupRequest, 1);
  g_autoptr (GBytes) body =
    soup_message_body_flatten (soup_server_message_get_request_body (message));
  gsize length;
  const char *data = g_bytes_get_data (body, &length);

  request->method = g_strdup (soup_server_message_get_method (message));
  request->uri = g_uri_ref (soup_server_message_get_uri (message));
  request->body = g_string_new_len (data, (gssize) length);
  g_ptr_array_add (soup->requests, request);
  soup_server_message_set_status (message, READ_STATUS, "Read");
  /* Asked for or not, libsoup leaves this to who answers. */
  if (soup_server_message_get_http_version (message) == SOUP_HTTP_1_0)
    soup_message_headers_append (soup_server_message_get_response_headers (message), "Connection",
                                 "keep-alive");
}

/* A SoupServer that has no listener closes every connection behind its first request. Nobody
 * connects to this one. */
static void
add_listener (SoupServer *server, int peers[2])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peers), ==, 0);
  socket = g_socket_new_from_fd (peers[0], &error);
  g_assert_no_error (error);
  soup_server_listen_socket (server, socket, 0, &error);
  g_assert_no_error (error);
}

static GIOStream *
make_connection (int *client)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = NULL;
  int peers[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, peers), ==,
                   0);
  *client = peers[0];
  socket = g_socket_new_from_fd (peers[1], &error);
  g_assert_no_error (error);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

static void
settle (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}

/* Drops what has come. Returns whether the other side has closed. */
static gboolean
drain (int client)
{
  char buffer[16 * 1024];
  gssize n;

  do
    n = recv (client, buffer, sizeof buffer, 0);
  while (n > 0);
  return n == 0 || errno != EAGAIN;
}

/* Says the bytes for as long as somebody listens. */
static void
say (FuzzSoup *soup, GMainContext *context, int client, const char *data, gsize length)
{
  while (length > 0 && !soup->closed)
    {
      gssize n = send (client, data, length, MSG_NOSIGNAL);

      if (n > 0)
        {
          data += n;
          length -= (gsize) n;
        }
      settle (context);
      soup->closed = drain (client);
    }
}

void
fuzz_soup_read (FuzzSoup *soup, const char *data, gsize length)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 80);
  g_autoptr (SoupServer) server = NULL;
  g_autoptr (GIOStream) connection = NULL;
  int listener[2];
  int client;

  *soup = (FuzzSoup){ .requests = g_ptr_array_new_with_free_func (soup_request_free) };
  g_main_context_push_thread_default (context);
  server = soup_server_new ("raw-paths", TRUE, NULL);
  g_signal_connect (server, "request-read", G_CALLBACK (on_request_read), soup);
  add_listener (server, listener);
  connection = make_connection (&client);
  soup_server_accept_iostream (server, connection, address, address, NULL);
  settle (context);

  say (soup, context, client, data, length);
  close (client);
  settle (context);
  soup_server_disconnect (server);
  close (listener[1]);
  settle (context);
  g_main_context_pop_thread_default (context);
}

void
fuzz_soup_clear (FuzzSoup *soup)
{
  g_clear_pointer (&soup->requests, g_ptr_array_unref);
}

/* The URI that libsoup has to make of a request that it understands as we do. */
static GUri *
make_uri (const FuzzRequest *request)
{
  KvHttpSpan host = kv_http_head_get (&request->head, request->head_bytes, "host");
  gboolean is_asterisk = g_str_equal (request->target, "*");
  g_autofree char *text = NULL;
  g_autoptr (GUri) uri = NULL;

  if (host.data == NULL && is_asterisk)
    return NULL;
  if (host.data == NULL)
    return g_uri_build (URI_FLAGS, "http", NULL, "127.0.0.1", 80, request->target, NULL, NULL);
  text = g_strdup_printf ("http://%.*s%s", (int) host.length, host.data,
                          is_asterisk ? "/" : request->target);
  uri = g_uri_parse (text, URI_FLAGS, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL)
    return NULL;
  return g_steal_pointer (&uri);
}

static SoupEncoding
get_encoding (const KvHttpHead *head)
{
  if (head->chunked)
    return SOUP_ENCODING_CHUNKED;
  return head->has_length ? SOUP_ENCODING_CONTENT_LENGTH : SOUP_ENCODING_NONE;
}

static void
check_header (const FuzzRequest *request, SoupMessageHeaders *headers, const char *name)
{
  KvHttpSpan ours = kv_http_head_get (&request->head, request->head_bytes, name);
  const char *theirs = soup_message_headers_get_one (headers, name);

  /* What is not UTF-8 is replaced. */
  g_autofree char *same =
    ours.data != NULL ? g_utf8_make_valid (ours.data, (gssize) ours.length) : NULL;

  g_assert_cmpstr (same, ==, theirs);
}

/* What is answered without libsoup is, in libsoup's eyes too, plain. */
static void
check_plain (const FuzzRequest *request, SoupMessageHeaders *headers, SoupHTTPVersion version)
{
  KvHttpMethod method = kv_http_method_parse (request->method, strlen (request->method));

  if (!kv_express_recognise (&request->head, method))
    return;
  g_assert_cmpint (version, ==, SOUP_HTTP_1_1);
  g_assert_cmpint (soup_message_headers_get_encoding (headers), !=, SOUP_ENCODING_CHUNKED);
  g_assert_null (soup_message_headers_get_list (headers, "Expect"));
  g_assert_null (soup_message_headers_get_list (headers, "Upgrade"));
  g_assert_cmpstr (request->method, !=, "CONNECT");
}

gboolean
fuzz_soup_check_head (const FuzzRequest *request)
{
  static const char *const read_by_somebody[] = { "host", "content-type", "last-event-id" };
  const KvHttpHead *head = &request->head;
  g_autoptr (SoupMessageHeaders) headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  g_autofree char *method = NULL;
  g_autofree char *target = NULL;
  g_autoptr (GUri) uri = make_uri (request);
  SoupHTTPVersion version;
  guint status = soup_headers_parse_request (request->head_bytes, (int) head->length - 2, headers,
                                             &method, &target, &version);

  /* It knows no HTTP/1.2, which RFC 9110, section 2.5, has us take for HTTP/1.1. */
  if (status == SOUP_STATUS_HTTP_VERSION_NOT_SUPPORTED)
    {
      const char *line = request->head_bytes + strspn (request->head_bytes, "\r\n");
      const char *version_text = strchr (line, '\r') - strlen ("HTTP/1.x");

      g_assert_cmpint (version_text[7], >, '1');
      g_assert_cmpuint (head->minor_version, ==, 1);
      return FALSE;
    }
  g_assert_cmpuint (status, ==, SOUP_STATUS_OK);
  g_assert_cmpstr (method, ==, request->method);
  g_assert_cmpstr (target, ==, request->target);
  g_assert_cmpint (version, ==, head->minor_version == 0 ? SOUP_HTTP_1_0 : SOUP_HTTP_1_1);
  g_assert_cmpint (soup_message_headers_get_encoding (headers), ==, get_encoding (head));
  if (head->has_length)
    g_assert_cmpint (soup_message_headers_get_content_length (headers), ==, head->content_length);
  g_assert_cmpint ((soup_message_headers_get_expectations (headers) & SOUP_EXPECTATION_CONTINUE)
                       != 0
                     && version != SOUP_HTTP_1_0,
                   ==, head->expects_continue);
  for (guint i = 0; i < G_N_ELEMENTS (read_by_somebody); i++)
    check_header (request, headers, read_by_somebody[i]);
  check_plain (request, headers, version);
  /* What is no URI we take, and answer, mostly with 404 or 400; it goes no further. */
  return uri != NULL;
}

gboolean
fuzz_soup_check_request (const FuzzSoup *soup, guint index, const FuzzRequest *request)
{
  g_autoptr (GUri) uri = make_uri (request);
  const FuzzSoupRequest *theirs;

  if (index == soup->requests->len && soup->closed && request->head.chunked
      && request->longest_line > MAX_CHUNK_LINE)
    return FALSE;
  g_assert_cmpuint (index, <, soup->requests->len);
  theirs = g_ptr_array_index (soup->requests, index);
  g_assert_cmpstr (theirs->method, ==, request->method);
  g_assert_cmpmem (theirs->body->str, theirs->body->len, request->body->str, request->body->len);
  g_assert_cmpstr (g_uri_get_path (theirs->uri), ==, g_uri_get_path (uri));
  g_assert_cmpstr (g_uri_get_query (theirs->uri), ==, g_uri_get_query (uri));
  /* libsoup 3.2.3 takes the first line behind the last chunk for the end, whatever it is, and the
   * other trailers for the next request. */
  return request->n_trailers < 2;
}
