"""Which optimizer has which parameters, and their state under the parameters' names."""

import torch
from torch import Tensor, nn

from gpt25.errors import CorruptFileError
from gpt25.model import GPTModel
from gpt25.training.configuration.optimizer_configuration import OptimizerConfiguration
from gpt25.training.optimizers.adamw_groups import adamw_groups
from gpt25.training.optimizers.cautious_adamw import CautiousAdamW
from gpt25.training.optimizers.distributed_orthogonalisation import DistributedOrthogonalisation
from gpt25.training.optimizers.muon import Muon
from gpt25.training.optimizers.orthogonalise import POLYNOMIALS
from gpt25.training.optimizers.rollback import rollback_if
from gpt25.training.optimizers.schedule import muon_momentum
from gpt25.training.optimizers.soap_preconditioning import SOAPPreconditioning
from gpt25.training.sharding import copy_full

_COUNT_OF_STEPS = "step"
_ADAMW_STATE = (_COUNT_OF_STEPS, "exp_avg", "exp_avg_sq")


class Optimizers:
    """All optimizers of one model as one: a rate factor and a momentum in, one step out.

    Their state is there from the beginning, as zeros. Made by the first step, as torch does it, it would lie between
    the blocks that the first backward pass leaves, and memory that the allocator keeps could not be used in one piece.
    """

    def __init__(
        self,
        model: GPTModel,
        configuration: OptimizerConfiguration,
        *,
        distributed: DistributedOrthogonalisation | None = None,
        orthogonalise_in_bfloat16: bool = False,
    ) -> None:
        """distributed: what orthogonalises Muon's matrices together with other ranks; None for this rank alone.

        orthogonalise_in_bfloat16: whether Muon's matrices are multiplied in bfloat16 on the way.
        """
        self._configuration = configuration
        self._distributed = distributed
        self._orthogonalise_in_bfloat16 = orthogonalise_in_bfloat16
        self._names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
        matrices, others = _hidden_matrices(model) if configuration.name == "muon" else ([], list(model.parameters()))
        self._muon = self._build_muon(matrices) if matrices else None
        self._adamw = self._build_adamw(others)
        self._make_state()

    def _build_adamw(self, parameters: list[nn.Parameter]) -> torch.optim.AdamW:
        settings = self._configuration
        kind = CautiousAdamW if settings.cautious_weight_decay else torch.optim.AdamW
        return kind(
            adamw_groups({self._names[parameter]: parameter for parameter in parameters}, settings),
            lr=settings.peak_learning_rate,
            betas=(settings.beta_1, settings.beta_2),
            eps=settings.epsilon,
            fused=True,
        )

    def _build_muon(self, matrices: list[nn.Parameter]) -> Muon:
        query_key_value = [
            parameter for parameter in matrices if self._names[parameter].endswith("query_key_value.weight")
        ]
        known = {id(parameter) for parameter in query_key_value}
        single = [parameter for parameter in matrices if id(parameter) not in known]
        settings = self._configuration
        return Muon(
            [{"params": query_key_value, "parts": 3}, {"params": single}],
            learning_rate=settings.muon_peak_learning_rate,
            momentum=settings.muon_momentum,
            weight_decay=settings.muon_weight_decay,
            cautious_weight_decay=settings.cautious_weight_decay,
            beta_2=settings.muon_beta_2,
            preconditioning=_preconditioning(settings),
            polynomials=POLYNOMIALS[settings.muon_polynomial],
            distributed=self._distributed,
            in_bfloat16=self._orthogonalise_in_bfloat16,
        )

    def step(
        self, *, learning_rate_factor: float, progress: float, update: int = 0, skip: Tensor | None = None
    ) -> None:
        """Move all parameters; `progress` is the fraction of the run that is done, for Muon's momentum.

        update: which update of the run this is, from 0, for what Muon renews at intervals.
        skip: a bool () on the parameters' device; where it is true nothing changes, and the host need not know.
        """
        settings = self._configuration
        for group in self._adamw.param_groups:
            group["lr"] = settings.peak_learning_rate * learning_rate_factor * group["rate_multiplier"]
        # The fused AdamW reads this attribute, with which torch.amp.GradScaler too has it do nothing, on the device.
        self._adamw.found_inf = None if skip is None else skip.float()  # type: ignore[attr-defined]
        self._adamw.step()
        if self._muon is None:
            return
        for group in self._muon.param_groups:
            group["lr"] = settings.muon_peak_learning_rate * learning_rate_factor
            group["momentum"] = muon_momentum(settings, progress)
            group["step"] = update
        self._muon.found_inf = skip
        with rollback_if(skip, self._muon.state_beyond_momenta()):
            self._muon.step()

    def zero_gradients(self) -> None:
        """Forget the gradients and give their memory back."""
        for parameter in self._names:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """All state as flat tensors, named PARAMETER/KEY: "transformer.hidden.0.….weight/momentum"."""
        tensors = {}
        for optimizer in self._each():
            for parameter, state in optimizer.state.items():
                for key, value in state.items():
                    tensors[f"{self._names[parameter]}/{key}"] = value
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `state` returned; raises CorruptFileError when names or shapes are another model's."""
        expected = {name: tensor.shape for name, tensor in self.state().items()}
        missing, unknown = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
        if missing or unknown:
            raise CorruptFileError(
                f"the optimizer's state is not this run's: of {len(expected):,} tensors {len(missing):,} are missing "
                f"({', '.join(missing[:1]) or 'none'}), and {len(unknown):,} are unknown "
                f"({', '.join(unknown[:1]) or 'none'})."
            )
        for name, tensor in tensors.items():
            if tensor.shape != expected[name]:
                raise CorruptFileError(
                    f"{name} of the optimizer's state has the shape {tuple(tensor.shape)}, "
                    f"expected {tuple(expected[name])}."
                )
        for name, own in self.state().items():
            copy_full(own, tensors[name])

    def _make_state(self) -> None:
        """Zeros for every parameter, on its device; the fused AdamW counts its steps there too."""
        for parameter in _parameters(self._adamw):
            for key in _ADAMW_STATE:
                is_count = key == _COUNT_OF_STEPS  # one scalar, of a sharded parameter too
                self._adamw.state[parameter][key] = (
                    torch.zeros((), device=parameter.device) if is_count else torch.zeros_like(parameter)
                )
        if self._muon is not None:
            self._muon.make_state()

    def _each(self) -> list[torch.optim.Optimizer]:
        return [self._adamw] if self._muon is None else [self._adamw, self._muon]


def _preconditioning(settings: OptimizerConfiguration) -> SOAPPreconditioning | None:
    if settings.muon_soap_beta_2 is None:
        return None
    return SOAPPreconditioning(
        beta_2=settings.muon_soap_beta_2,
        interval_in_updates=settings.muon_soap_interval_in_updates,
        epsilon=settings.epsilon,
    )


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _hidden_matrices(model: GPTModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The two-dimensional weights of the blocks, and everything else."""
    hidden = [parameter for parameter in model.transformer.hidden.parameters() if parameter.dim() == 2]
    known = {id(parameter) for parameter in hidden}
    return hidden, [parameter for parameter in model.parameters() if id(parameter) not in known]
