#include "compression.h"

#include <zdict.h>
#include <zstd.h>

#include <mutex>
#include <utility>

namespace jcn {
namespace {

constexpr int level = 3;

// Idle contexts: as many as were ever used at once.
template <class Context, Context* (*make)(), std::size_t (*free)(Context*)>
class ContextPool {
 public:
  struct Return {
    ContextPool* pool;
    void operator()(Context* context) const { pool->put(context); }
  };
  using Lease = std::unique_ptr<Context, Return>;

  Lease take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Context* context = idle_.back();
        idle_.pop_back();
        return Lease(context, Return{this});
      }
    }
    return Lease(make(), Return{this});
  }
  ~ContextPool() {
    for (Context* context : idle_) free(context);
  }

 private:
  void put(Context* context) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(context);
  }
  std::mutex mutex_;
  std::vector<Context*> idle_;  // under the mutex
};

auto& compressing() {
  static ContextPool<ZSTD_CCtx, ZSTD_createCCtx, ZSTD_freeCCtx> pool;
  return pool;
}

auto& decompressing() {
  static ContextPool<ZSTD_DCtx, ZSTD_createDCtx, ZSTD_freeDCtx> pool;
  return pool;
}

}  // namespace

struct Dictionary::Prepared {
  std::once_flag for_compression, for_decompression;
  ZSTD_CDict* cdict = nullptr;
  ZSTD_DDict* ddict = nullptr;
};

Dictionary::Dictionary(std::uint32_t id, std::string bytes)
    : id_(id), bytes_(std::move(bytes)), prepared_(std::make_unique<Prepared>()) {}

Dictionary::~Dictionary() {
  ZSTD_freeCDict(prepared_->cdict);
  ZSTD_freeDDict(prepared_->ddict);
}

std::optional<std::string> compress(std::string_view raw, const Dictionary* dictionary) {
  const auto context = compressing().take();
  if (!context) return std::nullopt;
  ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_dictIDFlag, 0);
  if (dictionary) {
    Dictionary::Prepared& prepared = *dictionary->prepared_;
    std::call_once(prepared.for_compression, [&] {
      prepared.cdict =
          ZSTD_createCDict(dictionary->bytes_.data(), dictionary->bytes_.size(), level);
    });
    ZSTD_CCtx_refCDict(context.get(), prepared.cdict);
  }
  std::string stored(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), stored.data(), stored.size(), raw.data(), raw.size());
  if (ZSTD_isError(size) || size >= raw.size()) return std::nullopt;
  stored.resize(size);
  return stored;
}

bool decompress(std::string_view stored, std::uint64_t raw_size, const Dictionary* dictionary,
                std::string& raw) {
  if (raw_size > largest_raw_bytes) return false;
  const auto context = decompressing().take();
  if (!context) return false;
  const ZSTD_DDict* ddict = nullptr;
  if (dictionary) {
    Dictionary::Prepared& prepared = *dictionary->prepared_;
    std::call_once(prepared.for_decompression, [&] {
      prepared.ddict = ZSTD_createDDict(dictionary->bytes_.data(), dictionary->bytes_.size());
    });
    ddict = prepared.ddict;
    if (!ddict) return false;
  }
  raw.resize(static_cast<std::size_t>(raw_size));
  const std::size_t size = ZSTD_decompress_usingDDict(context.get(), raw.data(), raw.size(),
                                                      stored.data(), stored.size(), ddict);
  return !ZSTD_isError(size) && size == raw.size();
}

std::optional<std::string> train_dictionary(const std::string& samples,
                                            const std::vector<std::size_t>& sizes) {
  std::string bytes(dictionary_bytes, '\0');
  const std::size_t size = ZDICT_trainFromBuffer(bytes.data(), bytes.size(), samples.data(),
                                                 sizes.data(), static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(size)) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

}  // namespace jcn
