"""What was tried and is not in the localizer."""

from __future__ import annotations

from functools import partial

from tfgrounding.localizers import cover_kernels, curve_kernels, feature_kernels, segment_kernels

from .answers import ByStates, OnPictures, PooledSettings, moved_boundaries, with_peaks, with_states
from .curves import (
    box_cox,
    echoing,
    kernel_echo,
    less_null_mean,
    less_random,
    less_worst,
    log_sum_exp,
    maximum,
    mean_by_agreement,
    own,
    ridge_echo,
    second_echo,
    settings_around,
    two_scales,
)
from .lever import Lever, changed

OWN, JOINED = (curve_kernels, "own_curve"), (feature_kernels, "with_features")

TRIED = [
    *(
        Lever(
            f"two time scales, clips weigh {share:g}",
            "curves of frames and of 4 s clips every 2 s, each from 0 to 1 (DSE-VTG)",
            queries=lambda bench, share=share: [two_scales(query, share) for query in bench.queries],
        )
        for share in (0.5, 0.15)
    ),
    *(
        Lever(
            f"echo less worst frames x {negatives:g}",
            "negatives: the worst frames (DSE-VTG)",
            ((*JOINED, echoing(best_frames=partial(less_worst, negatives=negatives))),),
        )
        for negatives in (1.0, 0.25)
    ),
    Lever(
        "echo less random frames",
        "negatives: as many of the other frames, drawn (DSE-VTG)",
        ((*JOINED, echoing(best_frames=less_random)),),
    ),
    Lever("ridge echo", "direction whitened within the video (issue)", ((*JOINED, echoing(echo=ridge_echo)),)),
    Lever("second echo", "best frames of the curve with the first echo (own)", ((*JOINED, second_echo),)),
    Lever(
        "kernel echo",
        "log of summed exponentials of similarity to each best frame (own)",
        ((*JOINED, echoing(echo=kernel_echo)),),
    ),
    Lever("Box-Cox", "in place of the odds (TAG, DSE-VTG)", ((*OWN, own(odds=box_cox)),)),
    Lever(
        "wordings by agreement",
        "each weighs as it correlates with their mean (own)",
        ((*OWN, own(wordings_mean=mean_by_agreement)),),
    ),
    Lever("maximum over wordings", "in place of the mean (own)", ((*OWN, own(wordings_mean=maximum)),)),
    Lever("log-sum-exp over wordings", "in place of the mean (own)", ((*OWN, own(wordings_mean=log_sum_exp)),)),
    Lever(
        "null mean subtracted", "curves less the unrelated texts' mean (recipe for captions)", queries=less_null_mean
    ),
    *(
        Lever(
            f"vote over {' and '.join(names)}",
            f"four evidence curves, both constants times {factors[0]:g} and {factors[1]:g} (issue)",
            localizer=PooledSettings(settings_around(factors, *names)),
        )
        for factors, *names in (
            ((0.5, 2.0), "echo_weight", "life_weight"),
            ((0.6, 1.6), "best_share", "life_seconds"),
        )
    ),
    Lever(
        "peak expansion",
        "stretches around peaks, grown down, beside the segments (P2S)",
        ((segment_kernels, "segments", with_peaks),),
    ),
    Lever(
        "boundaries by expected IoU",
        "the first answer's are moved after the vote (own, earlier localizer)",
        ((cover_kernels, "answers", changed(cover_kernels.answers, cover=moved_boundaries)),),
    ),
    Lever("boundaries on pictures", "moved to the nearest change of the picture (own)", localizer=OnPictures()),
    Lever(
        "onset and ending",
        '"... begins" and "... ends" order the first five answers (P2S, FV-Action)',
        localizer=ByStates(),
        queries=with_states,
    ),
]
