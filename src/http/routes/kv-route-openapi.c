/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/routes/kv-route-openapi.h"

#include "http/kv-http-conditions.h"
#include "http/kv-http-refusal.h"
#include "http/kv-http-resources.h"

#define RESOURCE "/org/kvstore/http/openapi.json"

GBytes *
kv_route_openapi_get_description (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      GBytes *bytes = g_resource_lookup_data (kv_http_resources_get_resource (), RESOURCE,
                                              G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

      g_assert (bytes != NULL);
      g_once_init_leave (&once, (gsize) bytes);
    }
  return (GBytes *) once;
}

/* Conditions compare numbers, so it has one in place of a revision: some bits of a hash of the text, and not zero. */
static guint64
get_number (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      g_autofree char *hash =
        g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, kv_route_openapi_get_description ());

      hash[sizeof (gsize) * 2 - 1] = '\0';
      g_once_init_leave (&once, (gsize) g_ascii_strtoull (hash, NULL, 16) | 1);
    }
  return once;
}

static void
refuse_condition (KvHttpExchange *exchange)
{
  const KvHttpRefusal refusal = {
    .type = KV_HTTP_PROBLEM_CONDITION_FAILED,
    .detail = "The condition does not hold: the description is another",
  };

  kv_http_exchange_send_refusal (exchange, &refusal);
}

static void
add_validator (KvHttpExchange *exchange)
{
  kv_http_exchange_add_header (
    exchange, "ETag",
    kv_http_exchange_scratch (exchange, "\"%" G_GUINT64_FORMAT "\"", get_number ()));
  kv_http_exchange_add_header (exchange, "Cache-Control", "no-cache");
}

static void
send_description (KvHttpExchange *exchange)
{
  add_validator (exchange);
  kv_http_exchange_add_header (exchange, "Content-Type", "application/json");
  kv_http_exchange_add_header (exchange, "X-Content-Type-Options", "nosniff");
  exchange->response.body_bytes = g_bytes_ref (kv_route_openapi_get_description ());
  kv_http_exchange_send (exchange, 200);
}

void
kv_route_openapi_get (KvHttpExchange *exchange)
{
  g_auto (KvHttpConditions) conditions = { 0 };
  g_autoptr (GError) error = NULL;

  if (!kv_http_conditions_read (&conditions, exchange, &error))
    {
      kv_http_exchange_send_error (exchange, error);
      return;
    }
  switch (kv_http_conditions_judge (&conditions, get_number ()))
    {
    case KV_HTTP_VERDICT_GO:
      send_description (exchange);
      return;
    case KV_HTTP_VERDICT_NOT_MODIFIED:
      add_validator (exchange);
      kv_http_exchange_send (exchange, 304);
      return;
    case KV_HTTP_VERDICT_FAILED:
      refuse_condition (exchange);
      return;
    }
  g_assert_not_reached ();
}
