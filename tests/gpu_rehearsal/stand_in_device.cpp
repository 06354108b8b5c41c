// A "CUDA" of a number of devices that store and compute nothing: what torch's FakeTensors ask of a device when torch
// itself was built without CUDA. Loaded before torch is imported, it answers for the device guard and for the hooks.
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace {

constexpr c10::DeviceIndex number_of_devices = 2;
thread_local c10::DeviceIndex current = 0;

c10::Device device_of(c10::DeviceIndex index) {
  return {c10::DeviceType::CUDA, index};
}

struct StandInGuard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA> {
  c10::Device exchangeDevice(c10::Device device) const override {
    const auto before = current;
    current = device.index() < 0 ? current : device.index();
    return device_of(before);
  }
  c10::Device getDevice() const override { return device_of(current); }
  void setDevice(c10::Device device) const override { exchangeDevice(device); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
  c10::Stream getStream(c10::Device device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return number_of_devices; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
};

c10::impl::DeviceGuardImplRegistrar guard_registrar(c10::DeviceType::CUDA, new StandInGuard());

}  // namespace

namespace at {
namespace {

struct CUDAHooks final : CUDAHooksInterface {
  explicit CUDAHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return number_of_devices; }
  c10::DeviceIndex getCurrentDevice() const override { return current; }
};

}  // namespace

// torch's registry makes the hooks by this very name when it first asks for them.
REGISTER_CUDA_HOOKS(CUDAHooks)

}  // namespace at
