/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/express/kv-express-lane.h"

#include "http/express/kv-express-recogniser.h"

static void
send_response (KvHttpExchange *exchange)
{
  KvHttpConnection *connection = kv_http_connection_from_exchange (exchange);

  kv_http_connection_respond (connection, kv_http_connection_settle (connection));
  kv_http_exchange_clear (exchange);
  kv_http_connection_finish (connection, TRUE);
}

static void
take_socket (KvHttpExchange *exchange, KvHttpSocket *socket)
{
  kv_http_connection_take_socket (kv_http_connection_from_exchange (exchange), socket);
}

static void
answer (KvHttpConnection *connection)
{
  kv_http_exchange_dispatch (kv_http_connection_get_exchange (connection));
}

static const KvHttpCarrier carrier = {
  .get_header = kv_http_connection_get_header,
  .send = send_response,
  .take_socket = take_socket,
  .resume_body = kv_http_connection_resume_body,
};

const KvHttpLane *
kv_express_lane_get_functions (void)
{
  static const KvHttpLane functions = {
    .carrier = &carrier,
    .takes = kv_express_recognise,
    .answer = answer,
  };

  return &functions;
}
