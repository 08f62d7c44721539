/* A plugin in C, as small as one can be, and what can be wrong with one that no Rust plugin could get wrong.
 *
 * Built by the tests, once plain and once for each of these:
 *   -DWRONG_MAJOR -DNEW_MINOR -DNO_SYMBOL -DOTHER_SYMBOL -DNO_TABLE -DSHORT_TABLE -DREFUSES -DNO_OPEN -DPROMISES
 *   -DGARBAGE_LINE -DNOT_UTF8 -DNULL_DATA -DHUGE_DATA -DHUGE_CURSOR -DWRONG_COUNT -DNO_LINE_FEED -DWRONG_ENCODING
 *   -DWRONG_STATUS -DNO_REASON -DOUTCOME_ZERO -DOUTCOME_NULL -DOUTCOME_TWICE -DCRASH_ON_LOAD
 */
#include "rejoin_plugin.h"

#include <stdlib.h>
#include <string.h>

struct rj_instance {
  const rj_host *host;
};

static rj_str str(const char *text) {
  rj_str s = {(const uint8_t *)text, strlen(text)};
  return s;
}

static void release(rj_buf *buf) {
  free(buf->owner);
  memset(buf, 0, sizeof *buf);
}

/* Copies text into memory the host gives back. */
static rj_buf given(const char *text) {
  size_t len = strlen(text);
  rj_buf buf = {NULL, 0, NULL, NULL};
  void *copy = malloc(len ? len : 1);
  if (copy != NULL) {
    memcpy(copy, text, len);
    buf.ptr = copy;
    buf.len = len;
    buf.owner = copy;
    buf.release = release;
  }
  return buf;
}

static rj_status open_plugin(const rj_host *host, rj_str config, rj_instance **out, rj_error *error) {
  rj_instance *instance = calloc(1, sizeof *instance);
  (void)config;
  if (instance == NULL) {
    error->message = given("out of memory");
    return RJ_E_TRANSIENT;
  }
  instance->host = host;
  *out = instance;
  return RJ_OK;
}

static void close_plugin(rj_instance *instance) { free(instance); }

static rj_status check(rj_instance *instance, rj_buf *report, rj_error *error) {
  (void)instance;
  (void)error;
  *report = given("one C plugin, well");
  return RJ_OK;
}

static rj_status read_rows(rj_instance *instance, const rj_read *request, rj_batch *batch, rj_error *error) {
  (void)instance;
  (void)error;
  if (request->cursor.ptr != NULL) return RJ_CAUGHT_UP;
  batch->data = given("{\"op\":\"u\",\"key\":\"1\",\"v\":{\"name\":\"Ada\"}}\n");
  batch->records = 1;
  batch->cursor = given("1");
#if defined(GARBAGE_LINE)
  release(&batch->data);
  batch->data = given("{\"op\":\"u\",\"key\":\"1\"}\n{{{ not json\n");
  batch->records = 2;
#elif defined(NOT_UTF8)
  release(&batch->data);
  batch->data = given("{\"op\":\"u\",\"key\":\"\xff\xfe\"}\n");
#elif defined(NULL_DATA)
  release(&batch->data);
  batch->data.len = 64;
#elif defined(HUGE_DATA)
  batch->data.len = RJ_BUFFER_BYTES_MAX * 40;
#elif defined(HUGE_CURSOR)
  batch->cursor.len = RJ_CURSOR_BYTES_MAX + 1;
#elif defined(WRONG_COUNT)
  batch->records = 1000;
#elif defined(NO_LINE_FEED)
  batch->data.len -= 1;
#elif defined(WRONG_ENCODING)
  batch->encoding = 4;
#elif defined(WRONG_STATUS)
  return 77;
#elif defined(NO_REASON)
  return RJ_E_PERMANENT;
#endif
  return RJ_MORE;
}

static rj_status send_messages(rj_instance *instance, const rj_batch *messages, rj_error *error) {
  const rj_host *host = instance->host;
  uint64_t i;
  (void)error;
  for (i = 0; i < messages->records; i++) {
    rj_outcome outcome = {0, RJ_ACCEPTED, {NULL, 0}, {NULL, 0}, 0, 0};
    outcome.index = (uint32_t)i;
    outcome.remote_id = str("c-1");
#if defined(OUTCOME_ZERO)
    outcome.outcome = 0;
#elif defined(OUTCOME_NULL)
    host->outcome(host->ctx, NULL, 1);
    return RJ_OK;
#endif
    host->outcome(host->ctx, &outcome, 1);
#if defined(OUTCOME_TWICE)
    outcome.outcome = RJ_DEFERRED;
    host->outcome(host->ctx, &outcome, 1);
#endif
  }
  return RJ_OK;
}

#if defined(PROMISES)
#define CAPABILITIES "\"source\",\"channel\",\"webhook\""
#else
#define CAPABILITIES "\"source\",\"channel\""
#endif
static const char manifest[] =
    "{\"id\":\"" ID "\",\"version\":\"1.0.0\",\"capabilities\":[" CAPABILITIES
    "],\"channel\":\"sms\",\"streams\":[{\"name\":\"rows\"}],\"config\":{\"type\":\"object\"}}";

static rj_plugin plugin;

#if defined(CRASH_ON_LOAD)
__attribute__((constructor)) static void crash(void) { abort(); }
#endif

#if defined(NO_SYMBOL)
static
#else
REJOIN_PLUGIN_EXPORT
#endif
#if defined(OTHER_SYMBOL)
rj_status rejoin_plugin_entry_v3(const rj_host *host, const rj_plugin **out) {
#else
rj_status rejoin_plugin_entry_v1(const rj_host *host, const rj_plugin **out) {
#endif
  if (host->abi_major != RJ_ABI_MAJOR) return RJ_E_UNSUPPORTED;
  plugin.struct_size = sizeof plugin;
  plugin.abi_major = RJ_ABI_MAJOR;
  plugin.abi_minor = RJ_ABI_MINOR;
  plugin.manifest_json = str(manifest);
  plugin.open = open_plugin;
  plugin.close = close_plugin;
  plugin.check = check;
  plugin.read = read_rows;
  plugin.send = send_messages;
  *out = &plugin;
#if defined(WRONG_MAJOR)
  plugin.abi_major = 2;
#elif defined(NEW_MINOR)
  plugin.abi_minor = 4;
#elif defined(NO_TABLE)
  *out = NULL;
#elif defined(SHORT_TABLE)
  plugin.struct_size = 16;
#elif defined(REFUSES)
  return RJ_E_UNSUPPORTED;
#elif defined(NO_OPEN)
  plugin.open = NULL;
#endif
  return RJ_OK;
}

#if defined(NO_SYMBOL)
void *not_a_plugin(void);
void *not_a_plugin(void) { return (void *)rejoin_plugin_entry_v1; }
#endif
