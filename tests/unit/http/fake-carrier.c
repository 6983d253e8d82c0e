/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "fake-carrier.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  KvHttpExchange exchange;    /* first: the exchange is the fake */
  const FakeRequest *request; /* (borrowed) */
  FakeAnswer *answer;         /* (borrowed) */
} Fake;

static KvHttpSpan
make_span (const char *text, gssize length)
{
  if (text == NULL)
    return (KvHttpSpan){ NULL, 0 };
  return (KvHttpSpan){ text, length < 0 ? strlen (text) : (gsize) length };
}

static KvHttpSpan
get_header (KvHttpExchange *exchange, const char *name)
{
  const FakeRequest *request = ((Fake *) exchange)->request;

  if (g_str_equal (name, "content-type"))
    return make_span (request->content_type, -1);
  if (g_str_equal (name, "last-event-id"))
    return make_span (request->last_event_id, -1);
  for (guint i = 0; i < FAKE_MAX_HEADERS; i++)
    if (g_strcmp0 (request->headers[i].name, name) == 0)
      return make_span (request->headers[i].value, -1);
  return (KvHttpSpan){ NULL, 0 };
}

static void
copy_body (const KvHttpResponse *response, GString *body)
{
  const char *text = response->body;
  gsize length = text != NULL ? strlen (text) : 0;

  g_assert_cmpint ((response->body != NULL) + (response->body_bytes != NULL)
                     + (response->body_entry != NULL),
                   <=, 1);
  if (response->body_bytes != NULL)
    text = g_bytes_get_data (response->body_bytes, &length);
  if (response->body_entry != NULL)
    text = kv_entry_get_value (response->body_entry, &length);
  g_string_append_len (body, text != NULL ? text : "", (gssize) length);
}

static void
send_answer (KvHttpExchange *exchange)
{
  const KvHttpResponse *response = &exchange->response;
  FakeAnswer *answer = ((Fake *) exchange)->answer;

  answer->sent++;
  answer->status = response->status;
  for (guint i = 0; i < response->n_headers; i++)
    {
      g_assert_false (g_hash_table_contains (answer->headers, response->headers[i].name));
      g_hash_table_insert (answer->headers, g_strdup (response->headers[i].name),
                           g_strdup (response->headers[i].value));
    }
  copy_body (response, answer->body);
}

static void
close_socket (gpointer owner)
{
  close (GPOINTER_TO_INT (owner));
}

static void
take_socket (KvHttpExchange *exchange, KvHttpSocket *result)
{
  FakeAnswer *answer = ((Fake *) exchange)->answer;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==,
                   0);
  answer->sent++;
  answer->fd = ends[0];
  *result = (KvHttpSocket){ ends[1], GINT_TO_POINTER (ends[1]), close_socket };
}

/* The store is in memory, so that no sink has to wait. */
static void
resume_body (KvHttpExchange *exchange)
{
  g_assert_not_reached ();
}

static const KvHttpCarrier carrier = { get_header, send_answer, take_socket, resume_body };

/* Returns whether the exchange is admitted, and its sink, if there is one, has taken the body. */
static gboolean
prepare (KvHttpExchange *exchange, gsize *body_limit)
{
  if (!kv_http_exchange_admit (exchange, body_limit))
    return FALSE;
  if (exchange->sink == NULL)
    return TRUE;
  return kv_http_exchange_take_body (exchange, exchange->body.data, exchange->body.length)
         == KV_HTTP_SINK_READY;
}

void
fake_exchange (const KvHttpContext *context,
               KvRateBucket *bucket,
               const FakeRequest *request,
               FakeAnswer *answer)
{
  Fake *fake = g_new (Fake, 1);
  KvHttpExchange *exchange = &fake->exchange;
  const char *query = strchr (request->target, '?');

  *answer = (FakeAnswer){ .fd = -1 };
  answer->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  answer->body = g_string_new (NULL);

  kv_http_exchange_init (exchange, &carrier, context);
  fake->request = request;
  fake->answer = answer;
  exchange->method = kv_http_method_parse (request->method, strlen (request->method));
  exchange->path = make_span (request->target, query != NULL ? query - request->target : -1);
  exchange->query = make_span (query != NULL ? query + 1 : NULL, -1);
  exchange->body = make_span (request->body, request->body_length != 0 ? request->body_length : -1);
  exchange->bucket = bucket;
  exchange->minor_version = 1;
  exchange->accepts = get_header (exchange, "accept").data != NULL;
  exchange->conditional = get_header (exchange, "if-match").data != NULL
                          || get_header (exchange, "if-none-match").data != NULL;

  if (prepare (exchange, &answer->body_limit))
    kv_http_exchange_dispatch (exchange);
  else
    send_answer (exchange);
  while (answer->sent == 0)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  g_assert_cmpuint (answer->sent, ==, 1);
  kv_http_exchange_clear (exchange);
  g_free (fake);
}

const char *
fake_answer_get_header (const FakeAnswer *answer, const char *name)
{
  return g_hash_table_lookup (answer->headers, name);
}

void
fake_answer_clear (FakeAnswer *answer)
{
  g_clear_pointer (&answer->headers, g_hash_table_unref);
  if (answer->body != NULL)
    g_string_free (g_steal_pointer (&answer->body), TRUE);
  if (answer->fd >= 0)
    close (answer->fd);
  answer->fd = -1;
}

void
fake_door_set_up (FakeDoor *door, gconstpointer unused)
{
  door->store = kv_store_new ();
  door->limits = (KvHttpLimits){
    .max_value_size = 1000,
    .max_json_size = 100000,
    .max_batch = 1024,
  };
  door->context = (KvHttpContext){ .store = door->store, .limits = &door->limits };
}

void
fake_door_tear_down (FakeDoor *door, gconstpointer unused)
{
  g_clear_object (&door->store);
}

void
fake_door_ask (FakeDoor *door,
               const char *method,
               const char *target,
               const char *content_type,
               const char *body,
               FakeAnswer *answer)
{
  const FakeRequest request = {
    .method = method,
    .target = target,
    .content_type = content_type,
    .body = body,
  };

  fake_exchange (&door->context, NULL, &request, answer);
}

guint
fake_door_get_status (FakeDoor *door,
                      const char *method,
                      const char *target,
                      const char *content_type,
                      const char *body)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, method, target, content_type, body, &answer);
  return answer.status;
}

guint
fake_door_get (FakeDoor *door, const char *target)
{
  return fake_door_get_status (door, "GET", target, NULL, NULL);
}

guint
fake_door_put (FakeDoor *door, const char *target, const char *body)
{
  return fake_door_get_status (door, "PUT", target, NULL, body);
}

guint
fake_door_delete (FakeDoor *door, const char *target)
{
  return fake_door_get_status (door, "DELETE", target, NULL, NULL);
}

guint
fake_door_post (FakeDoor *door, const char *target, const char *body)
{
  return fake_door_get_status (door, "POST", target, "application/json", body);
}

void
fake_door_assert_value (FakeDoor *door, const char *target, const char *expected)
{
  g_auto (FakeAnswer) answer = { .fd = -1 };

  fake_door_ask (door, "GET", target, NULL, NULL, &answer);
  g_assert_cmpuint (answer.status, ==, 200);
  g_assert_cmpmem (answer.body->str, answer.body->len, expected, strlen (expected));
}

char *
fake_json_array (guint n, const char *entry)
{
  GString *body = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (body, "%s%s", i > 0 ? "," : "", entry);
  return g_string_free (g_string_append_c (body, ']'), FALSE);
}
