/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-swap.h"

#include "core/kv-error-details.h"
#include "http/kv-http-json.h"
#include "http/kv-http-keyed.h"
#include "http/kv-http-parameters.h"

/* What a body asks for; the texts are borrowed from it. */
typedef struct {
  gboolean by_revision;
  guint64 revision;
  KvHttpSpan expected;
  KvHttpSpan value;
} Swap;

static void
answer (KvStore *store,
        KvResult *results,
        guint length,
        gboolean committed,
        const GError *error,
        gpointer user_data)
{
  KvHttpExchange *exchange = user_data;

  if (error != NULL)
    kv_http_exchange_send_error (exchange, error);
  else if (!kv_http_keyed_refuse (exchange, &results[0], TRUE))
    {
      kv_http_exchange_add_entry (exchange, results[0].entry);
      kv_http_exchange_send (exchange, 204);
    }
}

static gboolean
read_revision (const json_t *member, guint64 *revision, GError **error)
{
  if (!json_is_integer (member) || json_integer_value (member) < 1)
    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "revision",
                               "\"revision\" must be a whole number, 1 or more");
  *revision = (guint64) json_integer_value (member);
  return TRUE;
}

static gboolean
read_body (const json_t *body, Swap *swap, GError **error)
{
  static const char *const names[] = { "expected", "revision", "new", NULL };
  const json_t *revision = json_object_get (body, "revision");

  if (!json_is_object (body))
    {
      g_set_error_literal (
        error, KV_ERROR, KV_ERROR_UNPROCESSABLE,
        "The body must be an object with \"expected\" or \"revision\", and \"new\"");
      return FALSE;
    }
  swap->by_revision = revision != NULL;
  if (!kv_http_json_check_members (body, names, error))
    return FALSE;
  if (swap->by_revision && json_object_get (body, "expected") != NULL)
    return kv_error_set_about (error, KV_ERROR_UNPROCESSABLE, "revision",
                               "\"expected\" and \"revision\" exclude each other");
  if (!(swap->by_revision ? read_revision (revision, &swap->revision, error)
                          : kv_http_json_get_string (body, "expected", &swap->expected, error)))
    return FALSE;
  return kv_http_json_get_string (body, "new", &swap->value, error);
}

static gboolean
read_swap (KvHttpExchange *exchange, const json_t *body, Swap *swap, GError **error)
{
  return body != NULL && kv_http_parameters_read_none (exchange->query, error)
         && read_body (body, swap, error)
         && kv_http_exchange_check_value (exchange, swap->value.length, "new",
                                          "The new value is too long", error);
}

static gboolean
init_operation (KvHttpExchange *exchange, const Swap *swap, KvOperation *operation, GError **error)
{
  KvHttpKey key;

  if (!kv_http_keyed_read_key (exchange, &key, error))
    return FALSE;
  if (!swap->by_revision)
    return kv_operation_init_swap (operation, key.text, (gssize) key.length, swap->expected.data,
                                   swap->expected.length, swap->value.data,
                                   (gssize) swap->value.length, error);
  return kv_operation_init_swap_revision (operation, key.text, (gssize) key.length, swap->revision,
                                          swap->value.data, (gssize) swap->value.length, error);
}

void
kv_route_swap_post (KvHttpExchange *exchange)
{
  g_auto (KvOperation) operation = { 0 };
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) body = kv_http_json_parse (exchange->body, &error);
  Swap swap = { 0 };

  if (!read_swap (exchange, body, &swap, &error)
      || !init_operation (exchange, &swap, &operation, &error)
      || !kv_http_conditions_read (&conditions, exchange, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  if (swap.by_revision)
    kv_http_conditions_require (&conditions, swap.revision);
  operation.want_entry = TRUE;
  kv_http_keyed_submit_on (exchange, &conditions, &operation, answer);
}
