#include "decoder.h"

#include <tensorflow/c/eager/c_api.h>
#include <tensorflow/c/tf_tstring.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string>
#include <utility>

#include "cmyk.h"
#include "failure.h"
#include "overheard.h"

namespace {

using Status = std::unique_ptr<TF_Status, decltype(&TF_DeleteStatus)>;
using Tensor = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;
using Handle = std::unique_ptr<TFE_TensorHandle, decltype(&TFE_DeleteTensorHandle)>;

Status newStatus() { return {TF_NewStatus(), &TF_DeleteStatus}; }

/** TensorFlow's first line, without the names of its functions and ops. */
std::string wordsOf(const TF_Status* status) {
  std::string words = TF_Message(status);
  words.resize(std::min(words.find('\n'), words.size()));
  const size_t names = words.find("}} ");
  if (words.rfind("{{", 0) == 0 && names != std::string::npos) words.erase(0, names + 3);
  words.resize(std::min(words.find(" [Op:"), words.size()));
  return words;
}

void check(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw Fault("TensorFlow does not decode it: " + wordsOf(status.get()));
}

/**
 * A ConfigProto: no GPU is wanted, and one thread for ops beside each other, which there are not. The threads that
 * share an op are the process's, whoever of its users begins; nothing is said of them here.
 */
constexpr char CONFIG[] = "\x0A\x07\x0A\x03GPU\x10\x00\x28\x01";

TFE_Context* newContext() {
  const Status status = newStatus();
  const std::unique_ptr<TFE_ContextOptions, decltype(&TFE_DeleteContextOptions)> options{TFE_NewContextOptions(),
                                                                                      &TFE_DeleteContextOptions};
  TFE_ContextOptionsSetConfig(options.get(), CONFIG, sizeof CONFIG - 1, status.get());
  check(status);
  TFE_Context* made = TFE_NewContext(options.get(), status.get());
  check(status);
  return made;
}

/** One for all of Node's threads. It is never deleted: another thread may be in it when the process ends. */
TFE_Context* context() {
  static TFE_Context* const made = newContext();
  return made;
}

/** A call of an op with one output. */
class Call {
 public:
  explicit Call(const char* name) : op_(TFE_NewOp(context(), name, status_.get()), &TFE_DeleteOp) { check(status_); }

  void input(const TF_Tensor* tensor) {
    inputs_.emplace_back(TFE_NewTensorHandle(tensor, status_.get()), &TFE_DeleteTensorHandle);
    check(status_);
    TFE_OpAddInput(op_.get(), inputs_.back().get(), status_.get());
    check(status_);
  }

  TFE_Op* op() const { return op_.get(); }

  Tensor output() {
    TFE_TensorHandle* found = nullptr;
    int count = 1;
    TFE_Execute(op_.get(), &found, &count, status_.get());
    const Handle handle{found, &TFE_DeleteTensorHandle};
    check(status_);
    Tensor tensor{TFE_TensorHandleResolve(handle.get(), status_.get()), &TF_DeleteTensor};
    check(status_);
    return tensor;
  }

 private:
  Status status_ = newStatus();
  std::unique_ptr<TFE_Op, decltype(&TFE_DeleteOp)> op_;
  std::vector<Handle> inputs_;
};

Tensor newTensor(TF_DataType type, std::initializer_list<int64_t> extents, size_t bytes) {
  Tensor tensor{TF_AllocateTensor(type, extents.begin(), static_cast<int>(extents.size()), bytes), &TF_DeleteTensor};
  if (tensor == nullptr) throw std::bad_alloc();
  return tensor;
}

/** A string of the bytes as they lie. */
Tensor viewOf(Bytes bytes) {
  Tensor tensor = newTensor(TF_STRING, {}, sizeof(TF_TString));
  auto* const view = static_cast<TF_TString*>(TF_TensorData(tensor.get()));
  TF_StringInit(view);
  TF_StringAssignView(view, reinterpret_cast<const char*>(bytes.data), bytes.size);
  return tensor;
}

/** Of [height width values] values of `size` bytes each, as they were asked for. */
Tensor checked(Tensor tensor, long height, long width, long values, size_t size) {
  const bool fits = TF_NumDims(tensor.get()) == 3 && TF_Dim(tensor.get(), 0) == height &&
                    TF_Dim(tensor.get(), 1) == width && TF_Dim(tensor.get(), 2) == values &&
                    TF_TensorByteSize(tensor.get()) == static_cast<size_t>(height * width * values) * size;
  if (!fits) throw Fault("what TensorFlow decodes is not of the size that its header says");
  return tensor;
}

Pixels pixelsOf(const Box& box, Tensor tensor) {
  tensor = checked(std::move(tensor), box.height, box.width, 3, 1);
  const auto* const data = static_cast<const uint8_t*>(TF_TensorData(tensor.get()));
  return {box, data, std::move(tensor), {}};
}

/** Pixels on every side whose colours reach into a box: JPEG's colours are coarser than its light. */
constexpr long MARGIN = 2;

Box withMargin(const Box& box, const Header& header) {
  const long top = std::max(box.top - MARGIN, 0L), left = std::max(box.left - MARGIN, 0L);
  return {top, left, std::min(box.top + box.height + MARGIN, long{header.height}) - top,
          std::min(box.left + box.width + MARGIN, long{header.width}) - left};
}

/**
 * A box of a JPEG, and nothing around it. Throws Fault where something is lost in it or above. What is lost below is
 * told only of a progressive one, of which all has to be read: to look there takes a sixth longer, and the pixels are
 * right. `fsam data verify` asks for all rows.
 */
Pixels decodeBox(Bytes bytes, const Box& box) {
  const Tensor window = newTensor(TF_INT32, {4}, 4 * sizeof(int32_t));
  const int32_t sides[] = {static_cast<int32_t>(box.top), static_cast<int32_t>(box.left),
                           static_cast<int32_t>(box.height), static_cast<int32_t>(box.width)};
  std::memcpy(TF_TensorData(window.get()), sides, sizeof sides);
  const Tensor contents = viewOf(bytes);
  Call call("DecodeAndCropJpeg");
  call.input(contents.get());
  call.input(window.get());
  TFE_OpSetAttrInt(call.op(), "channels", 3);
  TFE_OpSetAttrBool(call.op(), "fancy_upscaling", true);
  constexpr char METHOD[] = "INTEGER_ACCURATE";
  TFE_OpSetAttrString(call.op(), "dct_method", METHOD, sizeof METHOD - 1);
  const Overheard overheard;
  Pixels pixels = pixelsOf(box, call.output());
  overheard.refuseLoss();
  return pixels;
}

Pixels decodeJpeg(Bytes bytes, const Header& header, const Box& inner) {
  // Without an end it is no worse for a box above the gap: what a picture gives must not depend on the box.
  if (!hasEnd(bytes, header)) throw Fault("it is a JPEG that is cut off: it has no end marker");
  const Box box = withMargin(inner, header);
  if (header.components != 4) return decodeBox(bytes, box);
  std::vector<uint8_t> converted = convertCmyk(bytes, [&](Bytes variant) { return decodeBox(variant, box); });
  const uint8_t* const data = converted.data();
  return {box, data, {nullptr, &TF_DeleteTensor}, std::move(converted)};
}

Tensor decodePng(Bytes bytes, TF_DataType type, int64_t channels) {
  const Tensor contents = viewOf(bytes);
  Call call("DecodePng");
  call.input(contents.get());
  TFE_OpSetAttrInt(call.op(), "channels", channels);
  TFE_OpSetAttrType(call.op(), "dtype", type);
  return call.output();
}

/** Grey of 16 bits, of which Pillow makes RGB by cutting off all above 255. */
Pixels decodeDeepGrey(Bytes bytes, const Box& box) {
  const Tensor tensor = checked(decodePng(bytes, TF_UINT16, 1), box.height, box.width, 1, sizeof(uint16_t));
  const auto* const values = static_cast<const uint16_t*>(TF_TensorData(tensor.get()));
  std::vector<uint8_t> converted(static_cast<size_t>(box.height * box.width) * 3);
  for (size_t i = 0; i < converted.size(); i++) converted[i] = static_cast<uint8_t>(std::min<int>(values[i / 3], 255));
  const uint8_t* const data = converted.data();
  return {box, data, {nullptr, &TF_DeleteTensor}, std::move(converted)};
}

}  // namespace

Pixels decode(Bytes bytes, const Header& header, const Box& box) {
  if (header.kind == Kind::jpeg) return decodeJpeg(bytes, header, box);
  const Box whole{0, 0, header.height, header.width};
  if (header.components == 1 && header.bits == 16) return decodeDeepGrey(bytes, whole);
  return pixelsOf(whole, decodePng(bytes, TF_UINT8, 3));
}
