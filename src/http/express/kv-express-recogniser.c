/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/express/kv-express-recogniser.h"

static gboolean
is_plain_method (KvHttpMethod method)
{
  switch (method)
    {
    case KV_HTTP_GET:
    case KV_HTTP_HEAD:
    case KV_HTTP_PUT:
    case KV_HTTP_POST:
    case KV_HTTP_DELETE:
      return TRUE;
    case KV_HTTP_OPTIONS:
    case KV_HTTP_OTHER:
      return FALSE;
    }
  g_assert_not_reached ();
}

gboolean
kv_express_recognise (const KvHttpHead *head, KvHttpMethod method)
{
  return head->minor_version == 1 && !head->chunked && !head->expects_continue && !head->upgrades
         && is_plain_method (method);
}
