/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* What the connections of a worker lend each other. A request is mostly read, answered and sent
 * within one call, so that one buffer to read into, one to write from and one request record serve
 * all connections, and stay in the processor's cache. Only what a connection keeps while it waits
 * is its own. */

#include "http/connection/kv-http-connection-private.h"

#include <string.h>

/* Room for a read, or for a burst of pipelined requests. */
#define SPARE_SIZE (16 * 1024)

/* Memory that has grown beyond this is not kept. */
#define MAX_SPARE_SIZE (64 * 1024)

void
kv_http_pool_lend_request (KvHttpConnection *connection)
{
  KvHttpPool *pool = connection->pool;

  if (connection->request != NULL)
    return;
  connection->request = g_steal_pointer (&pool->spares.request);
  if (connection->request == NULL)
    connection->request = g_new0 (KvHttpRequest, 1);
  connection->request->connection = connection;
}

void
kv_http_pool_return_request (KvHttpConnection *connection)
{
  KvHttpRequest *request = g_steal_pointer (&connection->request);

  if (request == NULL)
    return;
  kv_http_exchange_clear (&request->exchange);
  if (connection->pool->spares.request == NULL)
    connection->pool->spares.request = request;
  else
    g_free (request);
}

void
kv_http_pool_lend_memory (KvHttpPool *pool, KvHttpBuffer *buffer)
{
  if (buffer->data != NULL)
    return;
  for (guint i = 0; i < KV_HTTP_POOL_SPARES && buffer->data == NULL; i++)
    buffer->data = g_steal_pointer (&pool->spares.memory[i]);
  if (buffer->data == NULL)
    buffer->data = g_malloc (SPARE_SIZE);
  /* What has grown counts as if it had not. */
  buffer->size = SPARE_SIZE;
}

void
kv_http_pool_return_memory (KvHttpPool *pool, KvHttpBuffer *buffer)
{
  if (buffer->data == NULL || kv_http_buffer_length (buffer) > 0)
    return;
  for (guint i = 0; i < KV_HTTP_POOL_SPARES; i++)
    if (pool->spares.memory[i] == NULL && buffer->size >= SPARE_SIZE
        && buffer->size <= MAX_SPARE_SIZE)
      {
        pool->spares.memory[i] = g_steal_pointer (&buffer->data);
        break;
      }
  kv_http_buffer_clear (buffer);
}

void
kv_http_pool_replace_memory (KvHttpPool *pool, KvHttpBuffer *buffer)
{
  gsize length = kv_http_buffer_length (buffer);
  KvHttpBuffer small = { g_memdup2 (kv_http_buffer_peek (buffer), length), 0, length, length };

  kv_http_buffer_consume (buffer, length);
  kv_http_pool_return_memory (pool, buffer);
  *buffer = small;
}

void
kv_http_pool_clear (KvHttpPool *pool)
{
  for (guint i = 0; i < KV_HTTP_POOL_SPARES; i++)
    g_clear_pointer (&pool->spares.memory[i], g_free);
  g_clear_pointer (&pool->spares.request, g_free);
}
