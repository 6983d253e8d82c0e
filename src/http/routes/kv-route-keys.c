/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-keys.h"

#include "core/kv-error-details.h"
#include "core/kv-json-text.h"
#include "core/kv-timestamp.h"
#include "http/kv-http-parameters.h"
#include "store/kv-listing.h"

#include <string.h>

enum {
  PREFIX,
  DELIMITER,
  LIMIT,
  CURSOR,
  VALUES,
  COUNT_ONLY,
  N_PARAMETERS
};

static const KvHttpParameter parameters[N_PARAMETERS] = {
  [PREFIX] = { "prefix", KV_HTTP_PARAMETER_PREFIX },
  [DELIMITER] = { "delimiter", KV_HTTP_PARAMETER_TEXT },
  [LIMIT] = { "limit", KV_HTTP_PARAMETER_COUNT, .least = 1, .most = KV_LIST_MAX_LIMIT },
  [CURSOR] = { "cursor", KV_HTTP_PARAMETER_TEXT },
  [VALUES] = { "values", KV_HTTP_PARAMETER_FLAG },
  [COUNT_ONLY] = { "count_only", KV_HTTP_PARAMETER_FLAG },
};

/* A listing until its answer, which may come when the request is long over. */
typedef struct {
  KvHttpExchange *exchange;
  KvListContent content;
  GString *next; /* (owned): the address of the next page, but for its cursor */
} Listing;

static void
listing_free (Listing *listing)
{
  g_string_free (listing->next, TRUE);
  g_free (listing);
}

static const char *
get_text (const KvHttpArgument *argument)
{
  return argument->given ? g_ptr_array_index (argument->texts, 0) : NULL;
}

/* A text is escaped down to what no part of a URI gives a meaning to (RFC 3986, section 2.3). */
static void
append_parameter (GString *address, const char *name, const char *text)
{
  g_string_append_printf (address, "%s=", name);
  g_string_append_uri_escaped (address, text, NULL, FALSE);
  g_string_append_c (address, '&');
}

static GString *
begin_next (const KvHttpArgument *arguments)
{
  GString *address = g_string_new ("</v1/keys?");

  if (arguments[PREFIX].given)
    append_parameter (address, "prefix", get_text (&arguments[PREFIX]));
  if (arguments[DELIMITER].given)
    append_parameter (address, "delimiter", get_text (&arguments[DELIMITER]));
  if (arguments[LIMIT].given)
    g_string_append_printf (address, "limit=%" G_GUINT64_FORMAT "&", arguments[LIMIT].count);
  if (arguments[VALUES].given)
    append_parameter (address, "values", arguments[VALUES].flag ? "true" : "false");
  return address;
}

static void
append_entry (GString *json, const KvEntry *entry, gboolean with_value)
{
  gint64 deadline = kv_entry_get_deadline (entry);
  char expires[KV_TIMESTAMP_SIZE];
  const char *text;
  gsize length;

  text = kv_entry_get_value (entry, &length);
  g_string_append_printf (json, ",\"revision\":%" G_GUINT64_FORMAT ",\"size\":%" G_GSIZE_FORMAT,
                          kv_entry_get_revision (entry), length);
  if (deadline != KV_NO_DEADLINE)
    {
      kv_timestamp_format (kv_clock_to_wall (deadline), expires);
      g_string_append_printf (json, ",\"expires\":\"%s\"", expires);
    }
  if (with_value)
    {
      g_string_append (json, ",\"value\":");
      kv_json_text_append_string (json, text, length);
    }
}

static void
append_item (GString *json, const KvPage *page, guint index, gboolean with_value)
{
  const KvEntry *entry = kv_page_get_entry (page, index);
  gsize length;
  const char *name = kv_page_get_name (page, index, &length);

  g_string_append (json, kv_page_is_folder (page, index) ? "{\"prefix\":" : "{\"key\":");
  kv_json_text_append_string (json, name, length);
  if (entry != NULL)
    append_entry (json, entry, with_value);
  g_string_append_c (json, '}');
}

static void
append_page (GString *json, const KvPage *page, KvListContent content)
{
  const char *cursor = kv_page_get_cursor (page);

  if (content == KV_LIST_COUNT)
    {
      g_string_append_printf (json, "{\"count\":%" G_GUINT64_FORMAT ",", kv_page_get_count (page));
    }
  else
    {
      g_string_append (json, "{\"items\":[");
      for (guint i = 0; i < kv_page_get_length (page); i++)
        {
          if (i > 0)
            g_string_append_c (json, ',');
          append_item (json, page, i, content == KV_LIST_VALUES);
        }
      /* A cursor is of base64url: nothing in it has to be escaped. */
      g_string_append_printf (json, "],\"next_cursor\":%s%s%s,", cursor != NULL ? "\"" : "",
                              cursor != NULL ? cursor : "null", cursor != NULL ? "\"" : "");
    }
  g_string_append_printf (json, "\"revision\":%" G_GUINT64_FORMAT "}", kv_page_get_revision (page));
}

static void
answer (KvStore *store, KvPage *page, const GError *error, gpointer user_data)
{
  Listing *listing = user_data;
  KvHttpExchange *exchange = listing->exchange;
  const char *cursor;
  GString *json;

  if (error != NULL)
    {
      listing_free (listing);
      kv_http_exchange_send_error (exchange, error);
      return;
    }

  json = g_string_sized_new (256);
  append_page (json, page, listing->content);
  kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  cursor = kv_page_get_cursor (page);
  if (cursor != NULL)
    {
      g_string_append_printf (listing->next, "cursor=%s>; rel=\"next\"", cursor);
      kv_http_exchange_add_header (exchange, "Link", listing->next->str);
    }
  exchange->response.body_bytes = g_string_free_to_bytes (json);
  /* A carrier has copied the headers when this returns. */
  kv_http_exchange_send (exchange, 200);
  listing_free (listing);
}

static gboolean
check_count (const KvHttpArgument *arguments, GError **error)
{
  static const guint others[] = { DELIMITER, LIMIT, CURSOR, VALUES };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (arguments[others[i]].given)
      return kv_error_set_about (error, KV_ERROR_INVALID_ARGUMENT, parameters[others[i]].name,
                                 "\"%s\" says nothing where keys are counted",
                                 parameters[others[i]].name);
  return TRUE;
}

/* A page is worth a request more for as many items as a batch of one more has entries. */
static gboolean
charge (KvHttpExchange *exchange, guint items)
{
  guint retry_after;

  if (exchange->bucket == NULL || items < KV_RATE_ENTRIES_A_REQUEST
      || kv_rate_bucket_admit (exchange->bucket, items / KV_RATE_ENTRIES_A_REQUEST, &retry_after))
    return TRUE;
  kv_http_exchange_refuse_busy (exchange, "Too many requests", retry_after);
  kv_http_exchange_send (exchange, 429);
  return FALSE;
}

static void
list (KvHttpExchange *exchange, const KvHttpArgument *arguments)
{
  KvListQuery query = {
    .prefix = get_text (&arguments[PREFIX]),
    .prefix_length = -1,
    .delimiter = get_text (&arguments[DELIMITER]),
    .delimiter_length = -1,
    .cursor = get_text (&arguments[CURSOR]),
    .limit = arguments[LIMIT].given ? (guint) arguments[LIMIT].count : KV_LIST_DEFAULT_LIMIT,
    .content = arguments[VALUES].flag ? KV_LIST_VALUES : KV_LIST_ENTRIES,
  };
  Listing *listing;

  if (arguments[COUNT_ONLY].flag)
    query.content = KV_LIST_COUNT;
  if (query.content != KV_LIST_COUNT && !charge (exchange, query.limit))
    return;
  listing = g_new (Listing, 1);
  *listing = (Listing){ exchange, query.content, begin_next (arguments) };
  kv_store_submit_listing (exchange->context->store, &query, answer, listing);
}

void
kv_route_keys_get (KvHttpExchange *exchange)
{
  KvHttpArgument arguments[N_PARAMETERS];
  g_autoptr (GError) error = NULL;

  if (!kv_http_parameters_read (exchange->query, parameters, N_PARAMETERS, arguments, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  if (arguments[COUNT_ONLY].flag && !check_count (arguments, &error))
    kv_http_exchange_send_error (exchange, error);
  else
    list (exchange, arguments);
  kv_http_arguments_clear (arguments, N_PARAMETERS);
}
