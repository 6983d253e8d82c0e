/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The door as a whole: a gate with its lanes, fed through a socket. Three must agree on what a
 * client has said:
 *
 * - the parsers of src/http/wire, used here one request after the other (FuzzReader);
 * - libsoup, which reads the same bytes with a SoupServer (FuzzSoup): it may take what we refuse,
 *   but what we take it has to understand as we do;
 * - the door: its answers, and what it leaves in the store, have to be those of the routes when they
 *   are given the requests of the first, directly. */

#include "fake-carrier.h"
#include "fuzz-soup.h"
#include "fuzz-stack.h"
#include "fuzz-target.h"
#include "http/stream/kv-http-dump.h"
#include "http/stream/kv-http-sse.h"
#include "store/kv-watch.h"

#include <string.h>

/* What the door has answered. */
typedef struct {
  guint status;
  gboolean closes;
  gboolean is_stream;
  const char *body;
  gsize length;
} Answer;

/* The routes, without any wire. */
typedef struct {
  GMainContext *main_context; /* (owned) */
  KvStore *store;             /* (owned) */
  KvHttpContext context;
} Model;

static void
model_set_up (Model *model)
{
  *model = (Model){ 0 };
  model->context.poller = kv_http_poller_new (NULL);
  model->main_context = g_main_context_ref (kv_http_poller_get_context (model->context.poller));
  g_main_context_push_thread_default (model->main_context);
  model->store = kv_store_new ();
  model->context.store = model->store;
  model->context.limits = &kv_http_default_limits;
  model->context.streams = kv_sse_group_new (model->context.poller, model->context.limits);
  model->context.dumps = kv_http_dump_group_new (model->context.poller, model->context.limits);
}

static void
model_tear_down (Model *model)
{
  kv_sse_group_free (model->context.streams);
  kv_http_dump_group_free (model->context.dumps);
  kv_http_poller_free (model->context.poller);
  g_object_unref (model->store);
  g_main_context_pop_thread_default (model->main_context);
  g_main_context_unref (model->main_context);
}

static char *
copy_header (const FuzzRequest *request, const char *name)
{
  KvHttpSpan value = kv_http_head_get (&request->head, request->head_bytes, name);

  return value.data != NULL ? g_strndup (value.data, value.length) : NULL;
}

static void
model_answer (Model *model, const FuzzRequest *request, FakeAnswer *answer)
{
  g_autofree char *content_type = copy_header (request, "content-type");
  g_autofree char *last_event_id = copy_header (request, "last-event-id");
  g_autofree char *accept = copy_header (request, "accept");
  g_autofree char *match = copy_header (request, "if-match");
  g_autofree char *none_match = copy_header (request, "if-none-match");
  const FakeRequest fake = {
    .method = request->method,
    .target = request->target,
    .content_type = content_type,
    .last_event_id = last_event_id,
    .headers = { { "accept", accept }, { "if-match", match }, { "if-none-match", none_match } },
    .body = request->body->str,
    .body_length = (gssize) request->body->len,
  };

  fake_exchange (&model->context, NULL, &fake, answer);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  const GString *one = *(const GString *const *) a;
  const GString *other = *(const GString *const *) b;
  int order = memcmp (one->str, other->str, MIN (one->len, other->len));

  return order != 0 ? order : (int) one->len - (int) other->len;
}

static void
free_text (gpointer text)
{
  g_string_free (text, TRUE);
}

static void
on_readable (KvWatch *watch, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

/* All that is in a store, as one text. */
static GString *
describe (KvStore *store)
{
  static const char *const everything[] = { "", NULL };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (free_text);
  GString *all = g_string_new (NULL);
  gboolean readable = FALSE, whole = FALSE;
  KvWatch *watch;

  g_main_context_push_thread_default (context);
  watch = kv_watch_new (store, NULL, everything, KV_WATCH_FROM_NOW, on_readable, &readable, NULL);
  while (!whole)
    {
      g_auto (KvWatchEvent) event = { 0 };

      if (!kv_watch_next (watch, &event))
        g_main_context_iteration (context, TRUE);
      else if (event.type == KV_WATCH_SNAPSHOT_END)
        whole = TRUE;
      else if (event.type == KV_WATCH_SNAPSHOT)
        {
          GString *text = g_string_new (event.key);
          gsize length;
          const char *value = kv_entry_get_value (event.entry, &length);

          g_string_append_c (text, '\0');
          g_string_append_len (text, value, (gssize) length);
          g_ptr_array_add (texts, text);
        }
    }
  kv_watch_free (watch);
  g_main_context_pop_thread_default (context);

  g_ptr_array_sort (texts, compare_texts);
  for (guint i = 0; i < texts->len; i++)
    {
      const GString *text = g_ptr_array_index (texts, i);

      g_string_append_printf (all, "%" G_GSIZE_FORMAT ":", text->len);
      g_string_append_len (all, text->str, (gssize) text->len);
    }
  return all;
}

static const char *
find_header (const char *head, const char *name)
{
  g_autofree char *line = g_strdup_printf ("\r\n%s: ", name);
  const char *found = strstr (head, line);

  return found != NULL ? found + strlen (line) : NULL;
}

/* Takes the next answer off what the door has said. Returns FALSE when there is no more. */
static gboolean
take_answer (const GString *said, gsize *offset, gboolean to_head, Answer *answer)
{
  const char *start = said->str + *offset;
  const char *end = strstr (start, "\r\n\r\n");
  g_autofree char *head = NULL;
  const char *value;

  if (*offset == said->len)
    return FALSE;
  g_assert_nonnull (end);
  g_assert_true (g_str_has_prefix (start, "HTTP/1.1 "));
  head = g_strndup (start, (gsize) (end + 2 - start));
  *answer = (Answer){ .status = (guint) g_ascii_strtoull (start + 9, NULL, 10), .body = end + 4 };
  *offset = (gsize) (end + 4 - said->str);
  if (answer->status == 100)
    return take_answer (said, offset, to_head, answer);

  value = find_header (head, "Connection");
  answer->closes = value != NULL && g_str_has_prefix (value, "close\r\n");
  value = find_header (head, "Content-Type");
  answer->is_stream = !to_head && value != NULL
                      && (g_str_has_prefix (value, "text/event-stream")
                          || g_str_has_prefix (value, "application/x-ndjson"));
  value = find_header (head, "Content-Length");
  if (value != NULL && !to_head)
    answer->length = (gsize) g_ascii_strtoull (value, NULL, 10);
  g_assert_cmpuint (answer->length, <=, said->len - *offset);
  *offset += answer->length;
  return TRUE;
}

static gboolean
is_restore (const FuzzRequest *request)
{
  return g_str_has_prefix (request->target, "/v1/restore");
}

/* Whether the door may end the connection behind its answer though the client did not ask for it:
 * it refuses by the head, or by the beginning of the body, when the rest may not have come yet. */
static gboolean
may_be_refused_early (const FuzzRequest *request, guint status)
{
  gboolean has_body = request->head.chunked || request->head.content_length > 0;

  if (is_restore (request) && status >= 400)
    return TRUE;
  return has_body && (status == 404 || status == 405 || status == 413 || status == 415);
}

static void
compare_answer (const FuzzRequest *request, const Answer *answer, const FakeAnswer *expected)
{
  gboolean to_head = g_str_equal (request->method, "HEAD");
  /* The two stores count their revisions from another time on, and who has lost is told one. */
  gboolean tells_revision = expected->status == 409 || expected->status == 412;
  gboolean is_of_its_time =
    tells_revision
    || ((g_str_has_prefix (request->target, "/status") || is_restore (request))
        && expected->status == 200);

  g_assert_cmpint (answer->is_stream, ==, expected->status == 0);
  if (answer->is_stream)
    {
      g_assert_cmpuint (answer->status, ==, 200);
      return;
    }
  g_assert_cmpuint (answer->status, ==, expected->status);
  if (!to_head && !is_of_its_time && answer->status != 204 && answer->status != 304)
    g_assert_cmpmem (answer->body, answer->length, expected->body->str, expected->body->len);
  if (!request->head.keep_alive)
    g_assert_true (answer->closes);
  else if (!may_be_refused_early (request, answer->status))
    g_assert_false (answer->closes);
}

/* What is to be said to the bytes behind the last request that is whole. */
static void
check_refusal (const FuzzReader *reader, gsize length, const Answer *answer)
{
  g_assert_cmpuint (reader->length, <, length);
  g_assert_cmpuint (answer->status, >=, 400);
  g_assert_true (answer->closes);
  if (reader->refused != 0)
    g_assert_cmpuint (answer->status, ==, reader->refused);
}

static void
compare_answers (Model *model, const FuzzReader *reader, gsize length, const GString *said)
{
  gsize offset = 0;
  guint i = 0;
  Answer answer = { 0 };
  gboolean over = FALSE;

  while (!over)
    {
      const FuzzRequest *request =
        i < reader->requests->len ? g_ptr_array_index (reader->requests, i) : NULL;
      gboolean to_head =
        request != NULL ? g_str_equal (request->method, "HEAD") : reader->cut_off_is_head;
      g_auto (FakeAnswer) expected = { .fd = -1 };

      if (!take_answer (said, &offset, to_head, &answer))
        break;
      over = answer.closes || answer.is_stream;
      if (request != NULL)
        {
          model_answer (model, request, &expected);
          compare_answer (request, &answer, &expected);
        }
      else
        check_refusal (reader, length, &answer);
      i++;
    }
  /* Nothing comes behind the end, and every request has its answer up to there. */
  if (over && !answer.is_stream)
    g_assert_cmpuint (offset, ==, said->len);
  if (!over)
    g_assert_cmpuint (i, ==, reader->requests->len);
  if (!over)
    g_assert_cmpuint (reader->refused, ==, 0);
}

static void
check_door (const FuzzReader *reader,
            gboolean express,
            FuzzPace pace,
            const char *data,
            gsize length)
{
  g_autoptr (KvStore) store = kv_store_new ();
  GString *said = fuzz_stack_run (store, express, pace, data, length);
  GString *ours, *theirs;
  Model model;

  model_set_up (&model);
  compare_answers (&model, reader, length, said);
  ours = describe (store);
  theirs = describe (model.store);
  g_assert_cmpmem (ours->str, ours->len, theirs->str, theirs->len);
  model_tear_down (&model);
  g_string_free (ours, TRUE);
  g_string_free (theirs, TRUE);
  g_string_free (said, TRUE);
}

/* Behind a request that libsoup refuses there is nothing to compare. */
static void
check_soup (const FuzzReader *reader, const char *data)
{
  g_auto (FuzzSoup) soup = { 0 };
  guint i;

  fuzz_soup_read (&soup, data, reader->length);
  for (i = 0; i < reader->requests->len; i++)
    {
      const FuzzRequest *request = g_ptr_array_index (reader->requests, i);

      if (!fuzz_soup_check_head (request))
        break;
      if (!fuzz_soup_check_request (&soup, i, request))
        return;
    }
  g_assert_cmpuint (soup.requests->len, ==, i);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize length)
{
  const char *text = (const char *) data;
  g_auto (FuzzReader) reader = { 0 };

  fuzz_reader_read (&reader, text, length);
  if (reader.requests->len > 0)
    check_soup (&reader, text);
  check_door (&reader, TRUE, FUZZ_PACE_WHOLE, text, length);
  check_door (&reader, TRUE, FUZZ_PACE_PIECES, text, length);
  check_door (&reader, FALSE, FUZZ_PACE_PIECES, text, length);
  return 0;
}
